/** How many tries an endpoint has had a second, over the last five to ten seconds. */

import { growth, type TryCounts } from './success-rate.ts';

/** Pace at which counts are noted. */
export const rateStepMs = 5000;

export interface Rate {
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
}

interface Noted {
  readonly counts: TryCounts;
  readonly atMs: number;
}

export class RecentRate {
  #before: Noted;
  #last: Noted;

  /** Counts begin now. */
  constructor(counts: TryCounts, nowMs: number) {
    this.#last = { counts, atMs: nowMs };
    this.#before = this.#last;
  }

  /** A step is over. */
  note(counts: TryCounts, nowMs: number): void {
    this.#before = this.#last;
    this.#last = { counts, atMs: nowMs };
  }

  /** Up to now. */
  at(counts: TryCounts, nowMs: number): Rate {
    const { counts: before, atMs } = this.#before;
    // At first there is less time than anything could be said of.
    const seconds = Math.max(nowMs - atMs, 1000) / 1000;
    return {
      requestsPerSecond: growth(before.requests, counts.requests) / seconds,
      failuresPerSecond: growth(before.failures, counts.failures) / seconds,
    };
  }
}
