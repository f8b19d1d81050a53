/** Keeps requests from a Service that fails, and finds out when it does no more; one breaker for all workers of a node. */

import { elapsedMs } from '../counts/shared-clock.ts';
import { ServiceOwnWord, ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { SharedWindow } from '../counts/shared-window.ts';
import { TryFailure, type TryOutcome } from './try-outcome.ts';

/** When it opens, and how it closes again. */
export interface FailureRate {
  /** Of the tries within the window; at this rate it opens. */
  readonly percent: number;
  readonly windowMs: number;
  /** With fewer tries in the window it stays as it is. */
  readonly requestsMin: number;
  readonly openForMs: number;
  /** So many tries at once may find out, and so many have to succeed; at most 1023. */
  readonly probes: number;
  /** Answers that count as failures. */
  readonly statuses: ReadonlySet<number>;
}

/** `closed` -> `open` -> `halfOpen` -> `closed` or `open`. */
export type BreakerState = 'closed' | 'open' | 'halfOpen';

export const breakerStates: readonly BreakerState[] = ['closed', 'open', 'halfOpen'];

/** Parts of the word that is the state: what it is, how many probes have succeeded, and the number of its turn. */
const stateBits = 2;
const successBits = 10;
const turnMask = 2 ** (32 - stateBits - successBits) - 1;

const triesSeries = 0;
const failuresSeries = 1;

/** A try that no probe is. */
export const noProbe = 0;
/** What `admit` gives when it refuses. */
export const refusedByBreaker = -1;

/**
 * The state changes in one word, by whichever thread is first, so each change happens once and is told once. A probe belongs to the turn in
 * which it was let through: what comes of it later says nothing. Times are of the clock that threads share.
 */
export class CircuitBreaker {
  readonly #settings: FailureRate;
  readonly #record: SharedRecord;
  readonly #window: SharedWindow;
  readonly #onTransition: (to: BreakerState) => void;

  constructor(settings: FailureRate, record: SharedRecord, onTransition: (to: BreakerState) => void) {
    this.#settings = settings;
    this.#record = record;
    this.#window = new SharedWindow(record, ServiceWord.breakerWindow, 2, settings.windowMs);
    this.#onTransition = onTransition;
  }

  get state(): BreakerState {
    return breakerStateOf(this.#record);
  }

  /** `noProbe`, the number of a probe, or `refusedByBreaker`. */
  admit(nowMs: number): number {
    for (;;) {
      const word = this.#record.load(ServiceWord.breaker);
      const state = stateOf(word);
      if (state === 'closed') return noProbe;
      if (state === 'halfOpen') {
        const isLet = this.#record.enterOwn(ServiceOwnWord.probing, this.#settings.probes);
        return isLet ? turnOf(word) : refusedByBreaker;
      }
      if (this.openLeftMs(nowMs) > 0) return refusedByBreaker;
      this.#change(word, 'halfOpen');
    }
  }

  /** How long it refuses still. */
  openLeftMs(nowMs: number): number {
    if (this.state !== 'open') return 0;
    return Math.max(elapsedMs(nowMs, this.#record.load(ServiceWord.openUntil)), 0);
  }

  /** The place of a probe is free. One whose thread has ended is freed with all that thread had. */
  leave(): void {
    this.#record.addOwn(ServiceOwnWord.probing, -1);
  }

  /** What came of a try; `probe` as `admit` gave it. Its place is another matter. */
  judge(outcome: TryOutcome, probe: number, nowMs: number): void {
    if (outcome === TryFailure.abandoned) return;
    const isFailed = outcome < 0 || this.#settings.statuses.has(outcome);
    if (probe === noProbe) this.#count(isFailed, true, nowMs);
    else this.#judgeProbe(isFailed, probe, nowMs);
  }

  /** A try that had answered well has failed after all, within its body. */
  judgeRest(outcome: TryOutcome, nowMs: number): void {
    if (outcome < 0 && outcome !== TryFailure.abandoned) this.#count(true, false, nowMs);
  }

  #count(isFailed: boolean, isNew: boolean, nowMs: number): void {
    const word = this.#record.load(ServiceWord.breaker);
    // Of before it opened.
    if (stateOf(word) !== 'closed') return;
    const { percent, requestsMin } = this.#settings;
    const window = this.#window;
    if (isNew) window.add(triesSeries, 1, nowMs);
    if (isFailed) window.add(failuresSeries, 1, nowMs);
    const failures = window.sum(failuresSeries, nowMs);
    if (failures === 0) return;
    const tries = window.sum(triesSeries, nowMs);
    if (tries >= requestsMin && failures * 100 >= percent * tries) this.#open(word, nowMs);
  }

  #judgeProbe(isFailed: boolean, probe: number, nowMs: number): void {
    for (;;) {
      const word = this.#record.load(ServiceWord.breaker);
      if (stateOf(word) !== 'halfOpen' || turnOf(word) !== probe) return;
      if (isFailed) return this.#open(word, nowMs);
      const isLast = successesOf(word) + 1 >= this.#settings.probes;
      if (isLast) {
        this.#window.clear();
        if (this.#change(word, 'closed')) return;
      } else if (this.#record.compareExchange(ServiceWord.breaker, word, word + (1 << stateBits))) {
        return;
      }
    }
  }

  #open(word: number, nowMs: number): void {
    // Before anybody can see that it is open.
    this.#record.store(ServiceWord.openUntil, (nowMs + this.#settings.openForMs) | 0);
    this.#change(word, 'open');
  }

  #change(from: number, to: BreakerState): boolean {
    if (!this.#record.compareExchange(ServiceWord.breaker, from, nextWord(from, to))) return false;
    this.#onTransition(to);
    return true;
  }
}

export function breakerStateOf(record: SharedRecord): BreakerState {
  return stateOf(record.load(ServiceWord.breaker));
}

/** Closes the breaker of a Service and forgets what has failed; gives the state of before. For any thread, whatever the settings are. */
export function resetBreaker(record: SharedRecord): BreakerState {
  for (;;) {
    const word = record.load(ServiceWord.breaker);
    new SharedWindow(record, ServiceWord.breakerWindow, 2, 1).clear();
    if (record.compareExchange(ServiceWord.breaker, word, nextWord(word, 'closed'))) return stateOf(word);
  }
}

function nextWord(word: number, to: BreakerState): number {
  // A turn is never 0, which is no probe.
  const turn = (turnOf(word) % turnMask) + 1;
  return (turn << (stateBits + successBits)) | breakerStates.indexOf(to);
}

function stateOf(word: number): BreakerState {
  return breakerStates[word & (2 ** stateBits - 1)]!;
}

function successesOf(word: number): number {
  return (word >>> stateBits) & (2 ** successBits - 1);
}

function turnOf(word: number): number {
  return word >>> (stateBits + successBits);
}
