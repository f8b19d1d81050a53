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
  #before: Noted | undefined;
  #last: Noted | undefined;

  /** A step is over. */
  note(counts: TryCounts, nowMs: number): void {
    this.#before = this.#last;
    this.#last = { counts, atMs: nowMs };
  }

  /** Up to now; undefined as long as nothing was noted. */
  at(counts: TryCounts, nowMs: number): Rate | undefined {
    const from = this.#before ?? this.#last;
    if (from === undefined || nowMs <= from.atMs) return undefined;
    const seconds = (nowMs - from.atMs) / 1000;
    return {
      requestsPerSecond: growth(from.counts.requests, counts.requests) / seconds,
      failuresPerSecond: growth(from.counts.failures, counts.failures) / seconds,
    };
  }
}
