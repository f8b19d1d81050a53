/** What nodes are told of keys and passwords in the place of their texts. */

import { createHmac, scrypt, scryptSync } from 'node:crypto';
import type { Keyring } from './keyring.ts';

/** A password, by scrypt (RFC 7914). */
export interface PasswordHash {
  salt: Uint8Array;
  costLog2: number;
  hash: Uint8Array;
}

const secretBytes = 32;
const saltBytes = 16;
const hashBytes = 32;
/** Some 30 ms of a processor and 16 MiB: a node does it for every login that it does not remember. */
const costLog2 = 14;
const options = { N: 2 ** costLog2, r: 8, p: 1 };
/** Hashes that are kept: each costs its time again when it is needed and not there. */
const keptMax = 100_000;

/** Equal texts behind equal references give equal hashes, after a restart too. */
export class CredentialHashes {
  readonly #keyring: Keyring;
  /** By the reference to the stored text, which changes with it. */
  readonly #passwords = new Map<string, PasswordHash>();

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** Under which keys are hashed. It is never replaced: the hashes are all that there is of some keys. */
  get keySecret(): Uint8Array {
    return this.#keyring.derive('consumer-keys', 'keys', secretBytes);
  }

  /** What nodes of a Gateway hash the keys of limits with, before these go to its Redis; never replaced either, or all limits would begin anew. */
  limitSecret(gateway: string): Uint8Array {
    return this.#keyring.derive('consumer-keys', `limits/${gateway}`, secretBytes);
  }

  keyHash(text: string): Uint8Array {
    return createHmac('sha256', this.keySecret).update(text).digest();
  }

  /** Of a password that was not prepared it takes its time here and now. */
  passwordHash(ref: string, text: string): PasswordHash {
    const known = this.#passwords.get(ref);
    if (known !== undefined) return known;
    const salt = this.#saltOf(ref);
    const made = { salt, costLog2, hash: scryptSync(text, salt, hashBytes, options) };
    this.#keep(ref, made);
    return made;
  }

  /** Takes the time that these passwords need elsewhere, so that nothing waits for it when they are published. */
  async prepare(passwords: Iterable<{ ref: string; text: string }>): Promise<void> {
    await Promise.all(
      Array.from(passwords, async ({ ref, text }) => {
        if (this.#passwords.has(ref)) return;
        const salt = this.#saltOf(ref);
        this.#keep(ref, { salt, costLog2, hash: await derived(text, salt) });
      }),
    );
  }

  #saltOf(ref: string): Uint8Array {
    return this.#keyring.derive('consumer-keys', `salt/${ref}`, saltBytes);
  }

  #keep(ref: string, made: PasswordHash): void {
    this.#passwords.set(ref, made);
    if (this.#passwords.size <= keptMax) return;
    const [oldest] = this.#passwords.keys();
    if (oldest !== undefined) this.#passwords.delete(oldest);
  }
}

function derived(text: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hashBytes, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
