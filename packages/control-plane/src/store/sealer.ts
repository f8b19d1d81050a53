import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '@causeway/runtime/data-dir';
import { systemCodeOf } from '@causeway/runtime/errors';
import { createSealingKey, seal, sealingKeyBytes, unseal } from '@causeway/runtime/sealed-bytes';
import { StoreError } from './store.ts';

/** Seals secrets at rest; what a value is bound to (`context`) is authenticated with it, so rows cannot be swapped. */
export class Sealer {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    if (key.byteLength !== sealingKeyBytes)
      throw new StoreError('wrong_key', `a sealing key has ${sealingKeyBytes} bytes, not ${key.byteLength}`);
    this.#key = key;
  }

  seal(plain: Uint8Array, context: string): Uint8Array {
    return seal(this.#key, plain, context);
  }

  /** Throws {@link StoreError} `wrong_key` when key, context or bytes are not those that were sealed. */
  open(sealed: Uint8Array, context: string): Uint8Array {
    try {
      return unseal(this.#key, sealed, context);
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
  const key = createSealingKey();
  await writeFileAtomic(path, `${Buffer.from(key).toString('base64')}\n`, 0o600);
  return key;
}

export function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
