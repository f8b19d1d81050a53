/**
 * A table in shared memory that is looked up by text and that no thread ever locks.
 *
 * Set-associative, of 32-bit words. Nobody waits for anybody, and a worker that ends at any point leaves nothing half done that `forget` does not
 * put right. The supervisor frees entries, when every worker has come by since it found that nobody holds them (as in read-copy-update). Where a
 * table is nothing but counts, a worker that finds a bucket full takes over an entry whose counts are all 0.
 *
 * An entry is known by 32 bits of its key's hash within its bucket; the seed is random, so nobody outside can make keys meet. Two workers
 * that add the same key at the same moment may make two entries of it.
 */

import { randomInt } from 'node:crypto';
import { textHash } from '@causeway/runtime/text-hash';

/** Entries with the same bucket; nothing looks beyond its bucket. */
const bucketEntries = 16;
const wordBytes = Int32Array.BYTES_PER_ELEMENT;

/** The tag of an entry that is free. */
const noTag = 0;
/** Words of an entry: its tag, its state, those that all workers share, and those of each worker. */
const stateAt = 1;
const commonAt = 2;
/** `idle`: the supervisor saw that nobody holds it. `freed`: its tag is about to go. `taken` + a worker: that worker takes it over. */
const State = { used: 0, idle: 1, freed: 2, taken: 3 } as const;

/** What an entry consists of. */
export interface EntryLayout {
  /** Words that all threads change. */
  readonly commonWords: number;
  /** Words of each worker, changed by that worker alone; while the sum of the first ones is not 0, somebody holds the entry. */
  readonly ownWords: number;
}

/** What threads hand to each other to work in one table. */
export interface KeyedTableMemory {
  readonly words: SharedArrayBuffer;
  readonly layout: EntryLayout;
  /** A power of 2. */
  readonly buckets: number;
  /** Most workers at the same time. */
  readonly workers: number;
  readonly seed: number;
}

/** A key as the table knows it. Worth keeping by whoever looks it up again and again. */
export interface TableKey {
  readonly bucket: number;
  /** Never 0. */
  readonly tag: number;
}

/** Room for `keysMax` keys at once; where a bucket is full all the same, what does not fit is refused. */
export function createKeyedTable(keysMax: number, workers: number, layout: EntryLayout): KeyedTableMemory {
  // A quarter full: then one bucket in a hundred thousand has more than it can hold.
  const buckets = 2 ** Math.ceil(Math.log2(Math.max((4 * keysMax) / bucketEntries, 1)));
  const words = new SharedArrayBuffer(buckets * bucketEntries * entryWordsOf(layout, workers) * wordBytes);
  return { words, layout, buckets, workers, seed: randomInt(2 ** 32) };
}

function entryWordsOf({ commonWords, ownWords }: EntryLayout, workers: number): number {
  return commonAt + commonWords + workers * ownWords;
}

export class KeyedTable {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly layout: EntryLayout;
  readonly #entryWords: number;
  readonly #ownAt: number;
  readonly #mask: number;
  readonly #seed: number;
  #sweptTo = 0;

  constructor({ words, layout, buckets, workers, seed }: KeyedTableMemory) {
    this.words = new Int32Array(words);
    this.layout = layout;
    this.#entryWords = entryWordsOf(layout, workers);
    this.#ownAt = commonAt + layout.commonWords;
    this.#mask = buckets - 1;
    this.#seed = seed;
  }

  keyOf(text: string): TableKey {
    const tag = textHash(text, ~this.#seed);
    return { bucket: textHash(text, this.#seed) & this.#mask, tag: tag === noTag ? 1 : tag };
  }

  /** Where the shared words of an entry begin. */
  commonAt(entry: number): number {
    return entry + commonAt;
  }

  /** Where the words of a worker begin in an entry. */
  ownAt(entry: number, worker: number): number {
    return entry + this.#ownAt + worker * this.layout.ownWords;
  }

  /** Where entries of the key begin. */
  *entriesOf({ bucket, tag }: TableKey): Generator<number> {
    const end = this.#start(bucket + 1);
    for (let entry = this.#start(bucket); entry < end; entry += this.#entryWords)
      if (Atomics.load(this.words, entry) === tag) yield entry;
  }

  /** An entry of the key that the supervisor does not free before this turn of the event loop is over; -1 when the bucket is full. */
  claim({ bucket, tag }: TableKey): number {
    const { words } = this;
    const end = this.#start(bucket + 1);
    for (;;) {
      let free = -1;
      for (let entry = this.#start(bucket); entry < end; entry += this.#entryWords) {
        const found = Atomics.load(words, entry);
        if (found === noTag && free < 0) free = entry;
        if (found !== tag) continue;
        // From here on the supervisor knows that it is in use. If another was faster, the entry is free, or another's.
        const before = Atomics.compareExchange(words, entry + stateAt, State.idle, State.used);
        if (before < State.freed && Atomics.load(words, entry) === tag) return entry;
      }
      if (free < 0 || Atomics.compareExchange(words, free, noTag, tag) === noTag) return free;
    }
  }

  /**
   * Gives an entry of the bucket whose own words are all 0 to the key; -1 when there is none. Only for tables without common words, and whose
   * threads all ask `isOf` when they have counted: either they see that the entry is taken, or who takes it sees that they count.
   */
  takeOver({ bucket, tag }: TableKey, worker: number): number {
    const { words } = this;
    const taken = State.taken + worker;
    const end = this.#start(bucket + 1);
    for (let entry = this.#start(bucket); entry < end; entry += this.#entryWords) {
      if (this.sumAt(entry, 0) !== 0) continue;
      const state = Atomics.load(words, entry + stateAt);
      if (state >= State.freed) continue;
      if (Atomics.compareExchange(words, entry + stateAt, state, taken) !== state) continue;
      const isIdle = this.sumAt(entry, 0) === 0;
      if (isIdle) Atomics.store(words, entry, tag);
      Atomics.store(words, entry + stateAt, State.used);
      if (isIdle) return entry;
    }
    return -1;
  }

  /** Whether the entry is one of the key, and nobody takes it over. */
  isOf(entry: number, key: TableKey): boolean {
    return (
      Atomics.load(this.words, entry + stateAt) < State.freed && Atomics.load(this.words, entry) === key.tag
    );
  }

  /** Of all entries of the key and all workers, the own words of that number. */
  sum(key: TableKey, word: number): number {
    let sum = 0;
    const end = this.#start(key.bucket + 1);
    for (let entry = this.#start(key.bucket); entry < end; entry += this.#entryWords)
      if (Atomics.load(this.words, entry) === key.tag) sum += this.sumAt(entry, word);
    return sum;
  }

  /** Of one entry and all workers. */
  sumAt(entry: number, word: number): number {
    let sum = 0;
    const end = entry + this.#entryWords;
    for (let at = entry + this.#ownAt + word; at < end; at += this.layout.ownWords)
      sum += Atomics.load(this.words, at);
    return sum;
  }

  /**
   * The same, where a value of a moment ago will do. Hot path: reading by Atomics was three quarters of what it costs to pick the less busy
   * of two endpoints (test/bench/pick.ts).
   */
  roughSumAt(entry: number, word: number): number {
    const { words } = this;
    const step = this.layout.ownWords;
    const end = entry + this.#entryWords;
    let sum = 0;
    for (let at = entry + this.#ownAt + word; at < end; at += step) sum += words[at]!;
    return sum;
  }

  /** Forgets all words of a worker. It has ended: nobody else may change them. */
  forget(worker: number): void {
    const { words } = this;
    const taken = State.taken + worker;
    for (let entry = 0; entry < words.length; entry += this.#entryWords) {
      // Memory that was never used is not touched, and so stays the system's.
      if (Atomics.load(words, entry) !== noTag) this.#clear(this.ownAt(entry, worker), this.layout.ownWords);
      if (Atomics.load(words, entry + stateAt) === taken) Atomics.store(words, entry + stateAt, State.used);
    }
  }

  /**
   * Looks at the next of so many parts of the table, and frees entries that nobody held at the last look either. Between two calls every worker
   * must have come back to its event loop: whoever had found an entry before it was marked holds it by then.
   */
  sweep(parts = 1): void {
    const { words } = this;
    const partWords = Math.ceil(words.length / this.#entryWords / parts) * this.#entryWords;
    const start = this.#sweptTo >= words.length ? 0 : this.#sweptTo;
    this.#sweptTo = Math.min(start + partWords, words.length);
    for (let entry = start; entry < this.#sweptTo; entry += this.#entryWords) {
      // Hot path: nearly all are free. Looking at each with Atomics, by a generator, was 5 % of a node's samples in a profile of 400 handshakes
      // a second (perf). One that is just being taken is of no interest yet.
      if (words[entry] === noTag) continue;
      if (this.sumAt(entry, 0) !== 0) {
        Atomics.compareExchange(words, entry + stateAt, State.idle, State.used);
        continue;
      }
      if (Atomics.compareExchange(words, entry + stateAt, State.used, State.idle) === State.used) continue;
      if (Atomics.compareExchange(words, entry + stateAt, State.idle, State.freed) === State.idle) {
        this.#clear(entry + commonAt, this.#entryWords - commonAt);
        Atomics.store(words, entry, noTag);
        Atomics.store(words, entry + stateAt, State.used);
      }
    }
  }

  /** Entries that are not free. */
  get size(): number {
    let size = 0;
    for (let entry = 0; entry < this.words.length; entry += this.#entryWords)
      if (Atomics.load(this.words, entry) !== noTag) size += 1;
    return size;
  }

  #clear(from: number, words: number): void {
    for (let at = from; at < from + words; at += 1) Atomics.store(this.words, at, 0);
  }

  #start(bucket: number): number {
    return bucket * bucketEntries * this.#entryWords;
  }
}
