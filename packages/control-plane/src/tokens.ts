import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '@causeway/runtime/clock';
import { writeFileAtomic } from '@causeway/runtime/data-dir';
import { systemCodeOf } from '@causeway/runtime/errors';
import { sha256 } from './store/sealer.ts';
import type { Store, TokenRecord } from './store/store.ts';

/** Whose token it is: the admin API's or the config stream's. */
export type TokenRole = TokenRecord['role'];

const prefixes: Record<TokenRole, string> = { admin: 'cwt_', node: 'cwn_' };

/** Bearer credentials, known by their hashes only. */
export class Tokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #records: TokenRecord[];

  private constructor(store: Store, clock: Clock, records: TokenRecord[]) {
    this.#store = store;
    this.#clock = clock;
    this.#records = records;
  }

  static async load(store: Store, clock: Clock): Promise<Tokens> {
    return new Tokens(store, clock, await store.tokens());
  }

  /** `token/<name>` of an `authorization` value `Bearer <token>` of that role. Constant time in the token. */
  authenticate(role: TokenRole, authorization: string | undefined): string | undefined {
    const token = /^Bearer +([!-~]{1,256})$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const hash = sha256(token);
    const found = this.#records.find(
      (record) => record.role === role && timingSafeEqual(record.sha256, hash),
    );
    return found && `token/${found.name}`;
  }

  /**
   * Makes sure that `path` holds a valid token of that name: what stands there is kept when the store knows it; else a
   * new one is made, written with mode 0600, and the old one is valid no more. True when a new one was made.
   */
  async ensureFile(role: TokenRole, name: string, path: string): Promise<boolean> {
    const existing = readIfThere(path);
    if (existing !== undefined && this.authenticate(role, `Bearer ${existing}`) === `token/${name}`)
      return false;
    const token = prefixes[role] + randomBytes(24).toString('base64url');
    const record: TokenRecord = {
      name,
      role,
      sha256: sha256(token),
      createdAt: new Date(this.#clock.wallMs()).toISOString(),
    };
    await this.#store.putToken(record);
    await writeFileAtomic(path, Buffer.from(`${token}\n`), 0o600);
    const at = this.#records.findIndex((candidate) => candidate.name === name);
    if (at >= 0) this.#records[at] = record;
    else this.#records.push(record);
    return true;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
