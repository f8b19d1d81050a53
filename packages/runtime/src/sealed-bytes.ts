/** Bytes on disk that nobody reads or changes without the key: AES-256-GCM. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const sealingKeyBytes = 32;

const nonceBytes = 12;
const tagBytes = 16;
/** First byte of every sealed value, so that another algorithm can follow. */
const format = 1;

export function createSealingKey(): Uint8Array {
  return randomBytes(sealingKeyBytes);
}

/**
 * One format byte, a random 96-bit nonce, the ciphertext and the tag. What the value is bound to (`context`) is
 * authenticated with it, so that one sealed value cannot take another's place. `key` has `sealingKeyBytes`; one key is
 * good for 2^32 values (NIST SP 800-38D section 8.3), more than one a second in a century.
 */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(context));
  const parts = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([Buffer.from([format]), nonce, ...parts]);
}

/** Throws an Error when key, context or bytes are not those that were sealed. */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  if (sealed[0] !== format) throw new Error(`unknown format ${sealed[0]}`);
  if (sealed.byteLength < 1 + nonceBytes + tagBytes) throw new Error('too short');
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(context));
  const end = sealed.byteLength - tagBytes;
  decipher.setAuthTag(sealed.subarray(end));
  return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes, end)), decipher.final()]);
}
