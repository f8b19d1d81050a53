/** When an endpoint is checked: again and again, never twice at once, and not in step with the others. */

import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { Turns } from '@causeway/runtime/turns';

import type { CheckResult } from './run-check.ts';

export interface CheckScheduleOptions {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** Of all checks of the node, `checksMax` at a time. */
  readonly turns: Turns;
  readonly intervalMs: number;
  /** Does not reject. */
  readonly run: () => Promise<CheckResult>;
  readonly onResult: (result: CheckResult) => void;
}

/** Checks of a node that are under way at the same time; the others wait for their turn, in order. */
export const checksMax = 256;
/** The first checks of endpoints that came together are spread over so long, or over an interval if that is shorter. */
export const firstSpreadMs = 1000;
/** The pause is so much shorter or longer at most. */
export const jitterShare = 0.1;

export class CheckSchedule {
  readonly #options: CheckScheduleOptions;
  #cancel: CancelTimer = () => {};
  #isStopped = false;

  constructor(options: CheckScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    const { random, intervalMs } = this.#options;
    this.#wait(random() * Math.min(intervalMs, firstSpreadMs));
  }

  /** What is under way is not waited for, and its result is nobody's. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const { clock, random, turns, intervalMs, run, onResult } = this.#options;
    const dueMs = clock.monotonicMs() + intervalMs * (1 + jitterShare * (2 * random() - 1));
    const result = await turns.run(() => (this.#isStopped ? Promise.resolve(undefined) : run()));
    if (this.#isStopped) return;
    onResult(result);
    if (!this.#isStopped) this.#wait(Math.max(0, dueMs - clock.monotonicMs()));
  }
}
