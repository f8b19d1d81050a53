/**
 * Token buckets in memory that all workers of a node share, so that a limit is the limit however many cores serve it.
 *
 * A bucket is one number, as in the generic cell rate algorithm (ITU-T I.371, there GCRA): the moment at which it will be full again. Taking a token
 * moves that moment on by one compare-and-exchange, so no worker waits for another, and one that ends at any point leaves nothing half done.
 *
 * The table is set-associative and never grows. A bucket that is full is as good as none, so the place of one is taken by another key without a
 * loss; only when every place of a set holds a bucket that is not full, the one that will be full soonest is forgotten.
 */

import { randomInt } from 'node:crypto';
import type { Buckets, LimitId, Rate } from '@causeway/filters/rate-limit/buckets';
import { textHash } from '@causeway/runtime/text-hash';

import { sharedNowNs } from './shared-clock.ts';

/** Buckets of one set, four cache lines; nothing looks beyond its set. */
const ways = 16;
/** Places for each key: with half of them free only one of some thousand keys finds its set full (test/bench/limits.ts). */
const placesPerKey = 2;
/** 64-bit words of a bucket: its tag, and when it is full. */
const bucketWords = 2;
const fullAt = 1;
const noTag = 0n;

export interface TokenBucketsMemory {
  readonly words: SharedArrayBuffer;
  readonly seed: number;
}

/** Room for `keysMax` buckets that are not full, rounded up to a power of 2. Memory that is never used stays the system's. */
export function createTokenBuckets(keysMax: number): TokenBucketsMemory {
  return { words: new SharedArrayBuffer(bytesFor(keysMax)), seed: randomInt(2 ** 32) };
}

/** Empty buckets for `keysMax` keys, to be used in the place of `before`; undefined when that has room for as many. */
export function resizedTokenBuckets(
  { words, seed }: TokenBucketsMemory,
  keysMax: number,
): TokenBucketsMemory | undefined {
  const bytes = bytesFor(keysMax);
  return bytes === words.byteLength ? undefined : { words: new SharedArrayBuffer(bytes), seed };
}

function bytesFor(keysMax: number): number {
  const sets = 2 ** Math.ceil(Math.log2(Math.max((placesPerKey * keysMax) / ways, 1)));
  return sets * ways * bucketWords * BigInt64Array.BYTES_PER_ELEMENT;
}

export class TokenBuckets implements Buckets {
  #words!: BigInt64Array<SharedArrayBuffer>;
  /** The same memory: tags are compared by halves, which makes no BigInt. */
  #halves!: Int32Array<SharedArrayBuffer>;
  #setMask!: number;
  readonly #seed: number;
  readonly #nowNs: () => number;
  #evicted = 0;

  constructor(memory: TokenBucketsMemory, nowNs: () => number = sharedNowNs) {
    this.#seed = memory.seed;
    this.#nowNs = nowNs;
    this.use(memory);
  }

  /** From now on these buckets, of the same seed: the ids of limits stay good. */
  use({ words }: TokenBucketsMemory): void {
    this.#words = new BigInt64Array(words);
    this.#halves = new Int32Array(words);
    this.#setMask = this.#words.length / (ways * bucketWords) - 1;
  }

  /** Buckets that were not full and had to go, in this worker. */
  get evicted(): number {
    return this.#evicted;
  }

  limitId(text: string): LimitId {
    return { low: textHash(text, this.#seed), high: textHash(text, ~this.#seed) };
  }

  take(limit: LimitId, key: string, rate: Rate, cost: number, needed: number): number {
    const words = this.#words;
    const nowNs = this.#nowNs();
    const capacityNs = rate.capacity * rate.intervalNs;
    // Moments are whole nanoseconds, intervals are not.
    const slackNs = Math.min(rate.capacity, rate.intervalNs / 100) / 2;
    const at = this.#find(limit, key, nowNs) + fullAt;
    for (;;) {
      const seen = Atomics.load(words, at);
      const owedNs = Math.max(Number(seen) - nowNs, 0);
      if (owedNs > 2 * capacityNs + slackNs) {
        // More than a bucket can owe: of a time when the numbers were others.
        Atomics.compareExchange(words, at, seen, BigInt(Math.round(nowNs + 2 * capacityNs)));
        continue;
      }
      const missingNs = owedNs + needed * rate.intervalNs - capacityNs;
      if (missingNs > slackNs) return -missingNs;
      const owesNs = owedNs + cost * rate.intervalNs;
      if (cost === 0) return owesNs;
      const next = BigInt(Math.round(nowNs + owesNs));
      if (Atomics.compareExchange(words, at, seen, next) === seen) return owesNs;
    }
  }

  charge(limit: LimitId, key: string, rate: Rate, cost: number): number {
    const words = this.#words;
    const nowNs = this.#nowNs();
    const at = this.#find(limit, key, nowNs) + fullAt;
    const owedMaxNs = 2 * rate.capacity * rate.intervalNs;
    for (;;) {
      const seen = Atomics.load(words, at);
      const owedNs = Math.max(Number(seen) - nowNs, 0) + cost * rate.intervalNs;
      const owesNs = Math.min(owedNs, owedMaxNs);
      const next = BigInt(Math.round(nowNs + owesNs));
      if (Atomics.compareExchange(words, at, seen, next) === seen) return owesNs;
    }
  }

  /** Where the bucket is. Hot path: of one that is known no BigInt is made. */
  #find(limit: LimitId, key: string, nowNs: number): number {
    const low = textHash(key, limit.low);
    // Never 0, the tag of nobody.
    const high = textHash(key, limit.high) | 1;
    const set = (low & this.#setMask) * ways * bucketWords;
    const end = set + ways * bucketWords;
    const halves = this.#halves;
    for (let at = set; at < end; at += bucketWords)
      if (halves[2 * at] === low && halves[2 * at + 1] === high) return at;
    return this.#claim(set, (BigInt(high) << 32n) | BigInt(low >>> 0), nowNs);
  }

  /** Two workers that claim a place for one key at the same moment see the same set, and go for the same place. */
  #claim(set: number, tag: bigint, nowNs: number): number {
    const words = this.#words;
    const end = set + ways * bucketWords;
    for (;;) {
      let place = set;
      let placeTag = noTag;
      let placeFullNs = Infinity;
      for (let at = set; at < end; at += bucketWords) {
        const found = Atomics.load(words, at);
        if (found === tag) return at;
        const fullNs = found === noTag ? -1 : Number(Atomics.load(words, at + fullAt));
        if (fullNs >= placeFullNs) continue;
        place = at;
        placeTag = found;
        placeFullNs = fullNs;
      }
      if (Atomics.compareExchange(words, place, placeTag, tag) !== placeTag) continue;
      if (placeFullNs > nowNs) {
        Atomics.store(words, place + fullAt, 0n);
        this.#evicted += 1;
      }
      return place;
    }
  }
}
