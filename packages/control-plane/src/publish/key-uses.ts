/** When keys of Consumers were used last, as nodes tell. */

import type { KeyUse } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import type { Store } from '../store/store.ts';

/** Keys that are remembered; those that were told of longest ago go first. */
const keysMax = 200_000;
/** What was told and not written yet is lost when the process is killed: it is told again. */
const writeMs = 15_000;

export class KeyUses {
  /** By hash, in base64. */
  readonly #usedMs = new Map<string, number>();
  readonly #unwritten = new Set<string>();
  #cancelWrite: CancelTimer = () => {};

  /** Milliseconds since 1970; undefined: nobody has told of it. */
  lastMs(hash: string): number | undefined {
    return this.#usedMs.get(hash);
  }

  /** What a node tells. Its clock may be ahead of this one. */
  note(uses: readonly KeyUse[], nowMs: number): void {
    for (const { hash, usedMs } of uses) {
      const key = Buffer.from(hash).toString('base64');
      const latest = Math.max(this.#usedMs.get(key) ?? 0, Math.min(usedMs, nowMs));
      this.#usedMs.delete(key);
      this.#usedMs.set(key, latest);
      this.#unwritten.add(key);
      if (this.#usedMs.size <= keysMax) continue;
      const [oldest] = this.#usedMs.keys();
      if (oldest !== undefined) this.#usedMs.delete(oldest);
    }
  }

  /** Begins with what the store knows of the keys that there are, and keeps it up to date. */
  async start(store: Store, hashes: ReadonlySet<string>, clock: Clock, logger: Logger): Promise<void> {
    const known = await store.keyUses();
    for (const { hash, usedAt } of known) if (hashes.has(hash)) this.#usedMs.set(hash, Date.parse(usedAt));
    const gone = known.filter(({ hash }) => !hashes.has(hash)).map(({ hash }) => hash);
    if (gone.length > 0) await store.writeKeyUses([], gone);
    const again = (): void => {
      this.#cancelWrite = clock.after(writeMs, () => void this.#write(store, logger).then(again));
    };
    again();
  }

  async stop(store: Store, logger: Logger): Promise<void> {
    this.#cancelWrite();
    await this.#write(store, logger);
  }

  async #write(store: Store, logger: Logger): Promise<void> {
    const put = Array.from(this.#unwritten).flatMap((hash) => {
      const usedMs = this.#usedMs.get(hash);
      return usedMs === undefined ? [] : [{ hash, usedAt: new Date(usedMs).toISOString() }];
    });
    this.#unwritten.clear();
    try {
      if (put.length > 0) await store.writeKeyUses(put, []);
    } catch (error) {
      // They are told again with the next use.
      logger.warn({ err: error }, 'the last use of keys cannot be stored');
    }
  }
}
