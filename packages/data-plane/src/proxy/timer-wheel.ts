/** Deadlines of many exchanges on one timer: adding and removing one costs a few stores, and no timer of the runtime. */

import type { Clock } from '@causeway/runtime/clock';

/** Something with a deadline. The wheel owns the two links. */
export interface Timed {
  wheelNext: Timed | undefined;
  wheelPrevious: Timed | undefined;
  /** On the clock's monotonic scale; changed through `schedule` alone. */
  dueMs: number;
  /** The deadline has passed by less than one tick, event loop permitting; the object is no longer in the wheel. */
  onDue(nowMs: number): void;
}

/** How late a deadline may be noticed, milliseconds. */
export const tickMs = 50;
const slots = 512;

/**
 * A hashed wheel (Varghese and Lauck, 1987): a deadline lies in the slot of its tick, and one that is further away than a
 * revolution is passed over until its turn. It ticks only while it holds something.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #heads: Timed[] = Array.from({ length: slots }, createHead);
  #tick: number;
  #size = 0;
  #isTicking = false;
  #tickedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = this.#tickNow();
  }

  /** Monotonic, behind by less than a tick: for what lasts for seconds. Hot path: a look at the clock costs more than the rest of a deadline. */
  coarseMs(): number {
    if (!this.#isTicking) this.#tickedMs = this.#clock.monotonicMs();
    return this.#tickedMs;
  }

  /** Adds `timed`, or moves it when it is there already. */
  schedule(timed: Timed, dueMs: number): void {
    this.cancel(timed);
    if (this.#size === 0) this.#tick = this.#tickNow();
    timed.dueMs = dueMs;
    // The slot of the current tick has been visited: what is due now comes with the next one.
    const tick = Math.max(Math.ceil(dueMs / tickMs), this.#tick + 1);
    const head = this.#heads[tick % slots]!;
    timed.wheelPrevious = head;
    timed.wheelNext = head.wheelNext;
    if (head.wheelNext !== undefined) head.wheelNext.wheelPrevious = timed;
    head.wheelNext = timed;
    this.#size += 1;
    this.#startTicking();
  }

  /**
   * Has `timed` woken by then, perhaps earlier, never later; Infinity: not at all. For deadlines that mostly move on: whoever is woken too early
   * looks again. Hot path: a deadline that is later than the one it has costs a comparison.
   */
  wakeBy(timed: Timed, dueMs: number): void {
    if (dueMs === Infinity) this.cancel(timed);
    else if (timed.wheelPrevious === undefined || dueMs < timed.dueMs) this.schedule(timed, dueMs);
  }

  /** Removes `timed`; does nothing when it is not there. */
  cancel(timed: Timed): void {
    const { wheelPrevious: previous, wheelNext: next } = timed;
    if (previous === undefined) return;
    previous.wheelNext = next;
    if (next !== undefined) next.wheelPrevious = previous;
    timed.wheelPrevious = undefined;
    timed.wheelNext = undefined;
    this.#size -= 1;
  }

  #onTimer(): void {
    this.#isTicking = false;
    const nowMs = this.#clock.monotonicMs();
    this.#tickedMs = nowMs;
    const tickNow = this.#tickNow();
    // After a pause of the process one revolution visits every slot; more would visit them again.
    const last = Math.min(tickNow, this.#tick + slots);
    while (this.#tick < last) {
      this.#tick += 1;
      this.#visit(this.#heads[this.#tick % slots]!, nowMs);
    }
    this.#tick = tickNow;
    if (this.#size > 0) this.#startTicking();
  }

  #startTicking(): void {
    if (this.#isTicking) return;
    this.#tickedMs = this.#clock.monotonicMs();
    this.#isTicking = true;
    this.#clock.after(tickMs, () => this.#onTimer());
  }

  #visit(head: Timed, nowMs: number): void {
    let due: Timed[] | undefined;
    for (let timed = head.wheelNext; timed !== undefined; timed = timed.wheelNext) {
      if (timed.dueMs <= nowMs) (due ??= []).push(timed);
    }
    for (const timed of due ?? []) {
      // One that ran before may have cancelled or moved this one.
      if (timed.wheelPrevious === undefined || timed.dueMs > nowMs) continue;
      this.cancel(timed);
      timed.onDue(nowMs);
    }
  }

  #tickNow(): number {
    return Math.floor(this.#clock.monotonicMs() / tickMs);
  }
}

function createHead(): Timed {
  return { wheelNext: undefined, wheelPrevious: undefined, dueMs: Infinity, onDue: () => {} };
}
