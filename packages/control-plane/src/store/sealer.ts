import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '@causeway/runtime/data-dir';
import { systemCodeOf } from '@causeway/runtime/errors';
import { StoreError } from './store.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** First byte of every sealed value, so that another algorithm can follow. */
const format = 1;

/**
 * Seals secrets at rest with AES-256-GCM. The sealed form is one format byte, a random 96-bit nonce, the ciphertext and
 * the tag; what the value is bound to (`context`) is authenticated with it, so rows cannot be swapped.
 */
export class Sealer {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    if (key.byteLength !== keyBytes)
      throw new StoreError('wrong_key', `a sealing key has ${keyBytes} bytes, not ${key.byteLength}`);
    this.#key = key;
  }

  seal(plain: Uint8Array, context: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(context));
    return Buffer.concat([
      Buffer.from([format]),
      nonce,
      cipher.update(plain),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  /** Throws {@link StoreError} `wrong_key` when key, context or bytes are not those that were sealed. */
  open(sealed: Uint8Array, context: string): Uint8Array {
    try {
      if (sealed[0] !== format) throw new Error(`unknown format ${sealed[0]}`);
      const nonce = sealed.subarray(1, 1 + nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(sealed.subarray(sealed.byteLength - tagBytes));
      return Buffer.concat([
        decipher.update(sealed.subarray(1 + nonceBytes, sealed.byteLength - tagBytes)),
        decipher.final(),
      ]);
    } catch (error) {
      throw new StoreError(
        'wrong_key',
        `${context} cannot be opened: it was sealed with another key, or is damaged; start with the key that this store was made with (sealing.key, or --sealing-key)`,
        error,
      );
    }
  }
}

/**
 * The sealing key: from the setting when it is given (base64 of 32 bytes), else from `path`, which is made with mode
 * 0600 at the first start. Later (`mayBeNew` false) a missing file is an error: a new key would open nothing.
 */
export async function loadSealingKey(
  path: string,
  given: string | undefined,
  { mayBeNew = true } = {},
): Promise<Uint8Array> {
  if (given !== undefined) return Buffer.from(given, 'base64');
  try {
    return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
  if (!mayBeNew)
    throw new StoreError(
      'wrong_key',
      `${path} is missing, and the store was made with it: restore it, or give the key by --sealing-key`,
    );
  const key = randomBytes(keyBytes);
  await writeFileAtomic(path, Buffer.from(`${key.toString('base64')}\n`), 0o600);
  return key;
}

export function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
