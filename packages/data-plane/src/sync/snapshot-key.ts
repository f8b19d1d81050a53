/** The key that seals what a node keeps of its configuration on disk: private keys are in it. */

import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '@causeway/runtime/data-dir';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';
import { createSealingKey, sealingKeyBytes } from '@causeway/runtime/sealed-bytes';

/** A file of its own, so that a copy of the snapshot alone tells nothing. */
export class SnapshotKey {
  readonly #path: string;
  readonly #logger: Logger;
  #key: Uint8Array | undefined;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** The key of earlier runs; undefined when there is none. Throws an Error that says why a file cannot be used. */
  read(): Uint8Array | undefined {
    return (this.#key ??= this.#readFile());
  }

  /** The key, made (mode 0600) when there is none, and made anew when there is one that cannot be used. */
  async readOrMake(): Promise<Uint8Array> {
    try {
      const known = this.read();
      if (known) return known;
    } catch (error) {
      this.#logger.warn(
        { file: this.#path },
        `a new key takes the place of the old one: ${messageOf(error)}`,
      );
    }
    const key = createSealingKey();
    await writeFileAtomic(this.#path, `${Buffer.from(key).toString('base64')}\n`, 0o600);
    return (this.#key = key);
  }

  #readFile(): Uint8Array | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      throw new Error(`its key ${this.#path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
    const key = Buffer.from(text.trim(), 'base64');
    if (key.byteLength !== sealingKeyBytes)
      throw new Error(`its key ${this.#path} has ${key.byteLength} bytes, not ${sealingKeyBytes}`);
    return key;
  }
}
