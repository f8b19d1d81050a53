/** How many retries a Service bears: retries without a bound make an outage of an incident. */

import { ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { SharedWindow } from '../counts/shared-window.ts';

/** At most `percent` of the requests within the window may be retried, or `minPerSecond` where there are few. */
export interface RetryBudgetSettings {
  readonly percent: number;
  readonly minPerSecond: number;
  readonly windowMs: number;
}

export const defaultRetryBudget: RetryBudgetSettings = { percent: 20, minPerSecond: 3, windowMs: 10_000 };

const requestsSeries = 0;
const retriesSeries = 1;

/** One budget for all workers; times are of the clock that threads share. */
export class RetryBudget {
  readonly #settings: RetryBudgetSettings;
  readonly #window: SharedWindow;

  constructor(settings: RetryBudgetSettings, record: SharedRecord) {
    this.#settings = settings;
    this.#window = new SharedWindow(record, ServiceWord.budgetWindow, 2, settings.windowMs);
  }

  /** A request comes for the first time. */
  noteRequest(nowMs: number): void {
    this.#window.add(requestsSeries, 1, nowMs);
  }

  /** Counts a retry, unless there have been too many. Two threads that ask for the last one at the same moment may both be refused. */
  take(nowMs: number): boolean {
    this.#window.add(retriesSeries, 1, nowMs);
    if (this.#window.sum(retriesSeries, nowMs) <= this.#allowed(nowMs)) return true;
    this.giveBack(nowMs);
    return false;
  }

  /** How much of what is allowed has been taken, 0 to 100. */
  usedPercent(nowMs: number): number {
    const used = this.#window.sum(retriesSeries, nowMs);
    return used === 0 ? 0 : Math.min(Math.round((100 * used) / this.#allowed(nowMs)), 100);
  }

  /** What was just taken is not needed. */
  giveBack(nowMs: number): void {
    this.#window.add(retriesSeries, -1, nowMs);
  }

  #allowed(nowMs: number): number {
    const { percent, minPerSecond, windowMs } = this.#settings;
    const byRequests = (this.#window.sum(requestsSeries, nowMs) * percent) / 100;
    return Math.max(byRequests, (minPerSecond * windowMs) / 1000);
  }
}
