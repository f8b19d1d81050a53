/**
 * Counts by key that all workers of a node share, so that a limit is the limit however many cores serve it: connections by address, requests by
 * Route, connections by endpoint.
 *
 * A set-associative table of 32-bit words in shared memory. Workers only ever add entries and change their own counts, so one that ends
 * at any point leaves nothing half done, and nobody waits for anybody. Only the supervisor frees entries, when every worker has come by
 * since it found that nobody counts on them (as in read-copy-update).
 *
 * An entry is known by 32 bits of its key's hash within its bucket; the seed is random, so nobody outside can make keys meet. Two workers
 * that add the same key at the same moment may make two entries of it; what counts is always the sum.
 */

import { randomInt } from 'node:crypto';

/** Entries with the same bucket; nothing looks beyond its bucket. */
const bucketEntries = 16;
const wordBytes = Int32Array.BYTES_PER_ELEMENT;

/** The tag of an entry that is free. */
const noTag = 0;
/** Words of an entry: its tag, its state, and a count for each worker. */
const stateAt = 1;
const countsAt = 2;
/** `idle`: the supervisor saw that nobody counts on it. `freed`: its tag is about to go. */
const State = { used: 0, idle: 1, freed: 2 } as const;

/** What threads hand to each other to count in one table. */
export interface SharedCountsMemory {
  readonly words: SharedArrayBuffer;
  /** A power of 2. */
  readonly buckets: number;
  /** Most workers at the same time. */
  readonly workers: number;
  readonly seed: number;
}

/** A key as the table knows it. Worth keeping by whoever counts on it again and again. */
export interface CountKey {
  readonly bucket: number;
  /** Never 0. */
  readonly tag: number;
}

/** Room for `keysMax` keys at once; where a bucket is full all the same, what does not fit is refused. */
export function createSharedCounts(keysMax: number, workers: number): SharedCountsMemory {
  // A quarter full: then one bucket in a hundred thousand has more than it can hold.
  const buckets = 2 ** Math.ceil(Math.log2(Math.max((4 * keysMax) / bucketEntries, 1)));
  const words = new SharedArrayBuffer(buckets * bucketEntries * (countsAt + workers) * wordBytes);
  return { words, buckets, workers, seed: randomInt(2 ** 32) };
}

/** The table as one worker counts in it. */
export class SharedCounts {
  readonly #table: CountTable;
  readonly #countAt: number;

  /** `worker`: 0 to `workers` - 1. */
  constructor(memory: SharedCountsMemory, worker: number) {
    this.#table = new CountTable(memory);
    this.#countAt = countsAt + worker;
  }

  keyOf(text: string): CountKey {
    return this.#table.keyOf(text);
  }

  /**
   * Counts one more, unless `max` are counted already. Two workers that ask for the last place at the same moment may both be
   * refused; never are there more than `max`.
   */
  enter(key: CountKey, max: number): boolean {
    const { words } = this.#table;
    const entry = this.#table.claim(key);
    if (entry < 0) return false;
    Atomics.add(words, entry + this.#countAt, 1);
    if (this.#table.sum(key) <= max) return true;
    Atomics.sub(words, entry + this.#countAt, 1);
    return false;
  }

  /** Takes back one `enter` that was granted here. */
  leave(key: CountKey): void {
    const { words } = this.#table;
    for (const entry of this.#table.entriesOf(key)) {
      if (Atomics.load(words, entry + this.#countAt) === 0) continue;
      Atomics.sub(words, entry + this.#countAt, 1);
      return;
    }
  }

  count(key: CountKey): number {
    return this.#table.sum(key);
  }
}

/** The table as the supervisor keeps it in order. */
export class SharedCountsKeeper {
  readonly #table: CountTable;

  constructor(memory: SharedCountsMemory) {
    this.#table = new CountTable(memory);
  }

  /** Takes back all that a worker held. It has ended: nobody else may change its counts. */
  forget(worker: number): void {
    const { words, entryWords } = this.#table;
    for (let entry = 0; entry < words.length; entry += entryWords)
      Atomics.store(words, entry + countsAt + worker, 0);
  }

  /**
   * Frees entries that were without a count at the last sweep too. Between two calls every worker must have come back to its
   * event loop: whoever had found an entry before it was marked has counted on it by then.
   */
  sweep(): void {
    const { words, entryWords } = this.#table;
    for (let entry = 0; entry < words.length; entry += entryWords) {
      // Hot path: nearly all are free. Looking at each with Atomics, by a generator, was 5 % of a node's samples in a profile of 400 handshakes
      // a second (perf). One that is just being taken is of no interest yet.
      if (words[entry] === noTag) continue;
      const isIdle = this.#table.sumAt(entry) === 0;
      const state = Atomics.load(words, entry + stateAt);
      if (!isIdle) Atomics.store(words, entry + stateAt, State.used);
      else if (state === State.used) Atomics.store(words, entry + stateAt, State.idle);
      else if (Atomics.compareExchange(words, entry + stateAt, State.idle, State.freed) === State.idle) {
        Atomics.store(words, entry, noTag);
        Atomics.store(words, entry + stateAt, State.used);
      }
    }
  }

  /** Entries that are not free. */
  get size(): number {
    const { words, entryWords } = this.#table;
    let size = 0;
    for (let entry = 0; entry < words.length; entry += entryWords)
      if (Atomics.load(words, entry) !== noTag) size += 1;
    return size;
  }
}

class CountTable {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly entryWords: number;
  readonly #mask: number;
  readonly #seed: number;

  constructor({ words, buckets, workers, seed }: SharedCountsMemory) {
    this.words = new Int32Array(words);
    this.entryWords = countsAt + workers;
    this.#mask = buckets - 1;
    this.#seed = seed;
  }

  keyOf(text: string): CountKey {
    const tag = hashOf(text, ~this.#seed);
    return { bucket: hashOf(text, this.#seed) & this.#mask, tag: tag === noTag ? 1 : tag };
  }

  /** Where entries of the key begin. */
  *entriesOf({ bucket, tag }: CountKey): Generator<number> {
    for (let entry = this.#start(bucket); entry < this.#start(bucket + 1); entry += this.entryWords)
      if (Atomics.load(this.words, entry) === tag) yield entry;
  }

  /** An entry of the key that nobody frees before this turn of the event loop is over; -1 when the bucket is full. */
  claim(key: CountKey): number {
    for (;;) {
      const entry = this.#first(key.bucket, key.tag);
      if (entry >= 0) {
        // From here on the supervisor knows that it is in use. If it was faster, the entry is free, or another's.
        const before = Atomics.compareExchange(this.words, entry + stateAt, State.idle, State.used);
        if (before !== State.freed && Atomics.load(this.words, entry) === key.tag) return entry;
        continue;
      }
      const free = this.#first(key.bucket, noTag);
      if (free < 0) return -1;
      if (Atomics.compareExchange(this.words, free, noTag, key.tag) === noTag) return free;
    }
  }

  sum(key: CountKey): number {
    let sum = 0;
    const end = this.#start(key.bucket + 1);
    for (let entry = this.#start(key.bucket); entry < end; entry += this.entryWords)
      if (Atomics.load(this.words, entry) === key.tag) sum += this.sumAt(entry);
    return sum;
  }

  sumAt(entry: number): number {
    let sum = 0;
    for (let word = entry + countsAt; word < entry + this.entryWords; word += 1)
      sum += Atomics.load(this.words, word);
    return sum;
  }

  #start(bucket: number): number {
    return bucket * bucketEntries * this.entryWords;
  }

  #first(bucket: number, tag: number): number {
    const end = this.#start(bucket + 1);
    for (let entry = this.#start(bucket); entry < end; entry += this.entryWords)
      if (Atomics.load(this.words, entry) === tag) return entry;
    return -1;
  }
}

/** MurmurHash3 of 32 bits over UTF-16 units, signed. */
function hashOf(text: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at += 1) {
    let unit = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    unit = (unit << 15) | (unit >>> 17);
    hash ^= Math.imul(unit, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
