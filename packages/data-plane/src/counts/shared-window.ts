/** What happened in the last so many milliseconds, counted by all threads of a node together. */

import type { SharedRecord } from './shared-records.ts';

/** A window is so many pieces long, the one that has begun included: it forgets a tenth of itself at a time. */
const buckets = 10;
/** A word of a bucket: the lowest bits of its tick, and what was counted in it. */
const countBits = 22;
const countMax = 2 ** countBits - 1;
const tickMask = 2 ** (32 - countBits) - 1;

/** Common words that a window of so many series takes in a record. */
export function windowWords(series: number): number {
  return 1 + buckets * series;
}

/**
 * A ring of buckets for each series of counts. A bucket names its time in the same word as its count, so that no thread ever adds to what
 * another one is just emptying. Counts end at 4 million in a bucket.
 */
export class SharedWindow {
  readonly #record: SharedRecord;
  /** The word that holds the last tick of any bucket; the series follow. */
  readonly #lastAt: number;
  readonly #series: number;
  readonly #bucketMs: number;

  constructor(record: SharedRecord, firstWord: number, series: number, windowMs: number) {
    this.#record = record;
    this.#lastAt = firstWord;
    this.#series = series;
    this.#bucketMs = Math.max(windowMs / buckets, 1);
  }

  /** `nowMs`: of the clock that all threads share. A negative amount takes back what was just added. */
  add(series: number, amount: number, nowMs: number): void {
    const tick = this.#tickOf(nowMs);
    this.#advance(tick);
    const at = this.#at(series, tick);
    for (;;) {
      const word = this.#record.load(at);
      const before = isOf(word, tick) ? word & countMax : 0;
      const count = Math.min(Math.max(before + amount, 0), countMax);
      if (this.#record.compareExchange(at, word, ((tick & tickMask) << countBits) | count)) return;
    }
  }

  sum(series: number, nowMs: number): number {
    const tick = this.#tickOf(nowMs);
    if (this.#isOver(tick)) return 0;
    let sum = 0;
    for (let age = 0; age < buckets && age <= tick; age += 1) {
      const word = this.#record.load(this.#at(series, tick - age));
      if (isOf(word, tick - age)) sum += word & countMax;
    }
    return sum;
  }

  clear(): void {
    for (let word = 1; word < windowWords(this.#series); word += 1)
      this.#record.store(this.#lastAt + word, 0);
  }

  /** A tick is known by its lowest bits alone: what is older than the window has to go before they come again. */
  #advance(tick: number): void {
    const last = this.#record.load(this.#lastAt);
    if (last === tick) return;
    const isOver = this.#isOver(tick);
    // A thread may be a moment behind the others.
    if (!isOver && tick < last) return;
    if (this.#record.compareExchange(this.#lastAt, last, tick) && isOver) this.clear();
  }

  /** Nothing that was counted is within the window; ticks begin anew after 49 days. */
  #isOver(tick: number): boolean {
    return Math.abs(tick - this.#record.load(this.#lastAt)) >= buckets;
  }

  #at(series: number, tick: number): number {
    return this.#lastAt + 1 + series * buckets + (tick % buckets);
  }

  #tickOf(nowMs: number): number {
    return Math.floor((nowMs >>> 0) / this.#bucketMs);
  }
}

function isOf(word: number, tick: number): boolean {
  return word >>> countBits === (tick & tickMask);
}
