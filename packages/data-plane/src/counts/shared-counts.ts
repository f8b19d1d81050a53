/**
 * Counts by key that all workers of a node share, so that a limit is the limit however many cores serve it: connections by address, requests by
 * Route, connections by endpoint. Two workers that add the same key at the same moment may make two entries of it; what counts is always the sum.
 */

import { createKeyedTable, KeyedTable, type KeyedTableMemory, type TableKey } from './keyed-table.ts';

export type { TableKey as CountKey } from './keyed-table.ts';

/** Workers that get in each other's way do so for a moment. */
const triesMax = 1000;

/** Room for `keysMax` keys at once, counted by at most `workers` workers. */
export function createSharedCounts(keysMax: number, workers: number): KeyedTableMemory {
  return createKeyedTable(keysMax, workers, { commonWords: 0, ownWords: 1 });
}

/** The table as one worker counts in it. */
export class SharedCounts {
  readonly #table: KeyedTable;
  readonly #worker: number;

  /** `worker`: 0 to `workers` - 1. */
  constructor(memory: KeyedTableMemory, worker: number) {
    this.#table = new KeyedTable(memory);
    this.#worker = worker;
  }

  keyOf(text: string): TableKey {
    return this.#table.keyOf(text);
  }

  /**
   * Counts one more, unless `max` are counted already; never are there more. Of workers that ask for the last place at the same moment one gets it:
   * who takes back last sees that it is left.
   */
  enter(key: TableKey, max: number): boolean {
    const { words } = this.#table;
    for (let tries = 1; ; tries += 1) {
      const claimed = this.#table.claim(key);
      const entry = claimed < 0 ? this.#table.takeOver(key, this.#worker) : claimed;
      if (entry < 0) return false;
      const count = this.#table.ownAt(entry, this.#worker);
      Atomics.add(words, count, 1);
      const isCounted = this.#table.isOf(entry, key);
      if (isCounted && this.count(key) <= max) return true;
      Atomics.sub(words, count, 1);
      if (isCounted && (this.count(key) >= max || tries >= triesMax)) return false;
    }
  }

  /** Takes back one `enter` that was granted here. */
  leave(key: TableKey): void {
    const { words } = this.#table;
    for (const entry of this.#table.entriesOf(key)) {
      const count = this.#table.ownAt(entry, this.#worker);
      if (Atomics.load(words, count) === 0) continue;
      Atomics.sub(words, count, 1);
      return;
    }
  }

  count(key: TableKey): number {
    return this.#table.sum(key, 0);
  }
}
