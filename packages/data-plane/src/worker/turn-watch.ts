/** Finds workers whose event loop does not turn. */

import type { WorkerThread } from './worker-thread.ts';

/** How often a worker has come by, as it says itself. */
export type TicksOf = (thread: WorkerThread) => number;

export class TurnWatch {
  readonly #ticksOf: TicksOf;
  /** The last tick that was seen of each, and how many looks ago it changed. */
  readonly #seen = new Map<WorkerThread, { ticks: number; looks: number }>();

  constructor(ticksOf: TicksOf) {
    this.#ticksOf = ticksOf;
  }

  /**
   * How many looks ago a worker came by last. Looks are counted, not time: a process that was stopped as a whole has missed some of
   * those too.
   */
  look(thread: WorkerThread): number {
    const ticks = this.#ticksOf(thread);
    const seen = this.#seen.get(thread);
    const looks = ticks === (seen?.ticks ?? 0) ? (seen?.looks ?? 0) + 1 : 0;
    this.#seen.set(thread, { ticks, looks });
    return looks;
  }

  forget(thread: WorkerThread): void {
    this.#seen.delete(thread);
  }
}
