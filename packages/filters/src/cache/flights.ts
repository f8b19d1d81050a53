/** Requests for what is on its way already: they wait for the answer of one. */

import { hash } from 'node:crypto';

import type { AnswerToStore } from './cache-store.ts';

/** What a wait comes to. `look`: the answer is stored. `lead`: whoever led is gone. `alone`: there is nothing to wait for. */
export type Landing = 'look' | 'lead' | 'alone';

export interface Waiter {
  /** Whether it may be given the answer. */
  accepts(answer: Pick<AnswerToStore, 'terms' | 'selected'>): boolean;
  /** It leads from now on; called before `land`. */
  lead(flight: Flight): void;
  land(how: Landing): void;
}

/** Of one flight; all others go to the upstream by themselves. */
const waitersMax = 1024;
/** A client that reads slowly holds nobody up for longer: from the head of an answer that is stored to its end. */
const bodyMsMax = 2000;
/** For so long nobody waits for what turned out not to be stored. */
const passMs = 10_000;
const passesMax = 10_000;

export interface FlightClock {
  monotonicMs(): number;
  /** Gives what cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

export class Flights {
  readonly #clock: FlightClock;
  readonly #byKey = new Map<string, Flight>();
  /** Until when, by a digest of the key, which may be long; the oldest first. */
  readonly #passes = new Map<string, number>();

  constructor(clock: FlightClock) {
    this.#clock = clock;
  }

  find(key: string): Flight | undefined {
    return this.#byKey.get(key);
  }

  /** Undefined: nobody is to wait for this one. */
  begin(key: string): Flight | undefined {
    if (this.#isPassed(key)) return undefined;
    const flight: Flight = new Flight(this.#clock, () => {
      if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
    });
    this.#byKey.set(key, flight);
    return flight;
  }

  /** What comes of this key is not stored. */
  pass(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const digest = digestOf(key);
    this.#passes.delete(digest);
    for (const [oldest, untilMs] of this.#passes) {
      if (untilMs > nowMs && this.#passes.size < passesMax) break;
      this.#passes.delete(oldest);
    }
    this.#passes.set(digest, nowMs + passMs);
  }

  /** Hot path: mostly there are none. */
  #isPassed(key: string): boolean {
    if (this.#passes.size === 0) return false;
    const untilMs = this.#passes.get(digestOf(key));
    return untilMs !== undefined && untilMs > this.#clock.monotonicMs();
  }
}

function digestOf(key: string): string {
  return hash('sha256', key, 'base64');
}

export class Flight {
  readonly #clock: FlightClock;
  readonly #onOver: () => void;
  readonly #waiters = new Set<Waiter>();
  #answer: Pick<AnswerToStore, 'terms' | 'selected'> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: FlightClock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** False: it is no use. */
  join(waiter: Waiter): boolean {
    if (this.#waiters.size >= waitersMax) return false;
    if (this.#answer !== undefined && !waiter.accepts(this.#answer)) return false;
    this.#waiters.add(waiter);
    this.#armTimer();
    return true;
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** The head has come, and the answer will be stored when all of it is there. Whom it does not fit goes on. */
  onHead(answer: Pick<AnswerToStore, 'terms' | 'selected'>): void {
    this.#answer = answer;
    for (const waiter of this.#waiters) if (!waiter.accepts(answer)) this.#release(waiter, 'alone');
    this.#armTimer();
  }

  /** Whoever led is gone, and nobody knows what the answer would have been. */
  abandon(): void {
    const [next] = this.#waiters;
    if (next === undefined) return this.end('alone');
    this.#stopTimer();
    this.#answer = undefined;
    next.lead(this);
    this.#release(next, 'lead');
  }

  end(how: Landing): void {
    this.#stopTimer();
    this.#onOver();
    for (const waiter of this.#waiters) this.#release(waiter, how);
  }

  /** Where anybody waits for a body. */
  #armTimer(): void {
    if (this.#answer === undefined || this.#waiters.size === 0 || this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#clock.after(bodyMsMax, () => this.end('alone'));
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #release(waiter: Waiter, how: Landing): void {
    this.#waiters.delete(waiter);
    waiter.land(how);
  }
}
