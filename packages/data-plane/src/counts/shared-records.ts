/**
 * Records by key that all threads of a node share: what is known of an endpoint or a Service, and what happens there. A record has *common* words
 * of 32 bits, signed, that every thread changes by Atomics, and *own* words of which each worker has its slice: written by it alone, summed by readers,
 * forgotten when it ends. Words are named by numbers from 0 on.
 *
 * Whoever opens a record holds it until he closes it; words of one that nobody holds are 0 again, some sweeps later.
 */

import { createKeyedTable, type EntryLayout, KeyedTable, type KeyedTableMemory } from './keyed-table.ts';

/** The first own word, which tells how often a worker holds the record, is not to be seen outside. */
const holdWords = 1;

/** Room for `keysMax` records at once. `workers`: threads that open records, a supervisor among them. */
export function createSharedRecords(keysMax: number, workers: number, layout: EntryLayout): KeyedTableMemory {
  return createKeyedTable(keysMax, workers, { ...layout, ownWords: layout.ownWords + holdWords });
}

/** The table as one thread sees it. */
export class SharedRecords {
  readonly #memory: KeyedTableMemory;
  readonly #table: KeyedTable;
  readonly #worker: number;

  /** `worker`: 0 to `workers` - 1. */
  constructor(memory: KeyedTableMemory, worker: number) {
    this.#memory = memory;
    this.#table = new KeyedTable(memory);
    this.#worker = worker;
  }

  /** The record of that key. Where there is no room any more it is one that this thread alone sees. */
  open(text: string): SharedRecord {
    const key = this.#table.keyOf(text);
    const claimed = this.#table.claim(key);
    if (claimed < 0) return this.#openAlone(text);
    // Another thread may have added it at this moment, in a place that the supervisor had just freed.
    let entry = claimed;
    for (const other of this.#table.entriesOf(key))
      if (this.#table.sumAt(other, 0) > this.#table.sumAt(entry, 0)) entry = other;
    return new SharedRecord(this.#table, entry, this.#worker);
  }

  #openAlone(text: string): SharedRecord {
    const { commonWords, ownWords } = this.#memory.layout;
    const alone = new KeyedTable(createKeyedTable(1, 1, { commonWords, ownWords }));
    return new SharedRecord(alone, alone.claim(alone.keyOf(text)), 0);
  }
}

export class SharedRecord {
  readonly #table: KeyedTable;
  readonly #entry: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #commonAt: number;
  readonly #ownAt: number;

  /** Holds the entry from now on. */
  constructor(table: KeyedTable, entry: number, worker: number) {
    this.#table = table;
    this.#entry = entry;
    this.#words = table.words;
    this.#commonAt = table.commonAt(entry);
    this.#ownAt = table.ownAt(entry, worker) + holdWords;
    Atomics.add(this.#words, this.#ownAt - holdWords, 1);
  }

  load(word: number): number {
    return Atomics.load(this.#words, this.#commonAt + word);
  }

  store(word: number, value: number): void {
    Atomics.store(this.#words, this.#commonAt + word, value);
  }

  /** Gives the value of before. */
  add(word: number, amount: number): number {
    return Atomics.add(this.#words, this.#commonAt + word, amount);
  }

  /** Whether the value was the expected one, and is the other now. */
  compareExchange(word: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#words, this.#commonAt + word, expected, value) === expected;
  }

  /** Hot path: a plain store, for no other thread writes there. */
  addOwn(word: number, amount: number): void {
    this.#words[this.#ownAt + word]! += amount;
  }

  /**
   * Adds one to an own word, unless the sum is `max` already. Two threads that ask for the last place at the same moment may both be refused;
   * never are there more.
   */
  enterOwn(word: number, max: number): boolean {
    Atomics.add(this.#words, this.#ownAt + word, 1);
    if (this.sum(word) <= max) return true;
    Atomics.sub(this.#words, this.#ownAt + word, 1);
    return false;
  }

  /** Of this thread. */
  own(word: number): number {
    return this.#words[this.#ownAt + word]!;
  }

  /** Of all threads. */
  sum(word: number): number {
    return this.#table.sumAt(this.#entry, holdWords + word);
  }

  /** Of all threads, as they were a moment ago: for choices that are made for every request. */
  roughSum(word: number): number {
    return this.#table.roughSumAt(this.#entry, holdWords + word);
  }

  /** Ends the hold; the record is not used any more. */
  close(): void {
    Atomics.sub(this.#words, this.#ownAt - holdWords, 1);
  }
}
