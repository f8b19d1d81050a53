/** An issuer of tokens: its keys, and tokens good and bad. */

import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export interface TestIssuer {
  readonly issuer: string;
  /** The public keys, as JSON. */
  readonly jwks: string;
  /** Of an hour from now, for audience `api`; `claims` lies over these. */
  sign(claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function testIssuer(
  issuer = 'https://id.test/',
  alg = 'ES256',
  kid = 'k1',
): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const key: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    issuer,
    jwks: JSON.stringify({ keys: [key] }),
    sign: (claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: 'api', sub: 'alice', exp: now + 3600, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
    },
  };
}

/** A token of these parts; `signature` is whatever it is. */
export function rawToken(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}

/** A token of HS256 with that secret. */
export function secretToken(secret: string, claims: object): string {
  const unsigned = rawToken({ alg: 'HS256' }, claims).slice(0, -1);
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
}
