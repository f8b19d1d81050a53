import { createPublicKey } from 'node:crypto';

/** Members of private keys (RFC 7518 section 6); none belongs where tokens are only checked. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];
const rsaBitsMin = 2048;

/** What is wrong with a public key as JWK; undefined when it can check signatures. Never repeats a value. */
export function jwkComplaint(key: Readonly<Record<string, unknown>>): string | undefined {
  if (privateMembers.some((member) => key[member] !== undefined))
    return 'a private key; nodes need the public one alone';
  if (key['use'] !== undefined && key['use'] !== 'sig') return 'a key for encryption (use is not "sig")';
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    const bits = asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < rsaBitsMin
      ? `an RSA key of ${bits} bits; at least ${rsaBitsMin}`
      : undefined;
  } catch {
    return 'not a public key as JWK (RFC 7517)';
  }
}
