/** Keys of issuers on disk, so that a node that starts while an issuer is away takes the tokens that it took before. They are public. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { KeySetChange } from '@causeway/filters/jwt/key-sets';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

export class KeptKeys {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #read: ReadonlyMap<string, string>;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
    this.#read = new Map(this.#readAll().map(({ source, jwks }) => [source, jwks]));
  }

  /** Of the run before; undefined where there is nothing. */
  read(source: string): string | undefined {
    return this.#read.get(source);
  }

  /** Replaces all. Keys change a few times a day: nobody waits long for the disk. */
  save(keySets: readonly KeySetChange[]): void {
    try {
      const aside = `${this.#path}.new`;
      writeFileSync(aside, JSON.stringify(keySets), { mode: 0o600 });
      renameSync(aside, this.#path);
    } catch (error) {
      this.#logger.warn({ file: this.#path }, `cannot keep the keys of issuers: ${messageOf(error)}`);
    }
  }

  #readAll(): KeySetChange[] {
    try {
      return (JSON.parse(readFileSync(this.#path, 'utf8')) as KeySetChange[]).filter(
        ({ source, jwks }) => typeof source === 'string' && typeof jwks === 'string',
      );
    } catch {
      // None yet, or of no use: the issuers have them.
      return [];
    }
  }
}
