/** Who may send a request to a Service, and who may not: its limits, its circuit breaker and its retry budget, shared by all workers. */

import { sharedNowMs } from '../counts/shared-clock.ts';
import { ServiceOwnWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import {
  type BreakerState,
  breakerStateOf,
  CircuitBreaker,
  type FailureRate,
  noProbe,
  refusedByBreaker,
  resetBreaker,
} from './circuit-breaker.ts';
import type { HeldRecord } from './held-record.ts';
import { RetryBudget, type RetryBudgetSettings } from './retry-budget.ts';
import type { TryOutcome } from './try-outcome.ts';

export interface BreakerSettings {
  /** Tries that are not over; 0 = off. */
  readonly requestsMax: number;
  /** Retries among them; 0 = off. */
  readonly retriesMax: number;
  /** Undefined: it never opens. */
  readonly failureRate: FailureRate | undefined;
}

export const noBreaker: BreakerSettings = { requestsMax: 0, retriesMax: 0, failureRate: undefined };

/** What of a Service's settings is the gate's. */
export interface GateSettings {
  readonly breaker: BreakerSettings;
  readonly retryBudget: RetryBudgetSettings;
}

/**
 * The leave to send a request once: a number, because every request needs one. At least 0, it holds whether the try is a retry and which
 * probe it is; below, it is one of `Refused`.
 */
export type Ticket = number;

/** Why there is no leave. */
export const Refused = { circuit: -1, requests: -2, retries: -3, budget: -4 } as const;

/** Of a Service without anything of the kind. */
export const plainTicket: Ticket = 0;

/** What `Retry-After` says where nobody knows how long it takes. */
const retryAfterSecondsMin = 1;

export class ServiceGate {
  readonly #held: HeldRecord;
  readonly #record: SharedRecord;
  readonly #settings: BreakerSettings;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #budget: RetryBudget;
  readonly #nowMs: () => number;

  /** `held`: the record of the Service. `nowMs`: of the clock that threads share. */
  constructor(
    held: HeldRecord,
    settings: GateSettings,
    onTransition: (to: BreakerState) => void,
    nowMs: () => number = sharedNowMs,
  ) {
    const { record } = held;
    const { failureRate } = settings.breaker;
    this.#held = held;
    this.#record = record;
    this.#settings = settings.breaker;
    this.#breaker = failureRate && new CircuitBreaker(failureRate, record, onTransition);
    // One that comes back later begins anew.
    if (failureRate === undefined && breakerStateOf(record) !== 'closed') resetBreaker(record);
    this.#budget = new RetryBudget(settings.retryBudget, record);
    this.#nowMs = nowMs;
  }

  /** Undefined: it has no breaker that could open. */
  get state(): BreakerState | undefined {
    return this.#breaker?.state;
  }

  /** For whoever was refused, in whole seconds. */
  get retryAfterSeconds(): number {
    const leftMs = this.#breaker?.openLeftMs(this.#nowMs()) ?? 0;
    return Math.max(Math.ceil(leftMs / 1000), retryAfterSecondsMin);
  }

  /** Leave for the first try of a request; `leave` gives it back. */
  admit(): Ticket {
    const nowMs = this.#nowMs();
    this.#budget.noteRequest(nowMs);
    const ticket = this.#enter(ServiceOwnWord.active, this.#settings.requestsMax)
      ? this.#admitProbe(nowMs, false)
      : Refused.requests;
    if (ticket >= 0) this.#held.begin();
    return ticket;
  }

  /** Leave for a further try. */
  admitRetry(): Ticket {
    const nowMs = this.#nowMs();
    if (!this.#budget.take(nowMs)) return Refused.budget;
    const ticket = this.#admitRetry(nowMs);
    if (ticket < 0) this.#budget.giveBack(nowMs);
    else this.#held.begin();
    return ticket;
  }

  /** An endpoint has answered, and the rest of its answer may take long; gives the ticket for what is left. */
  judgeHead(ticket: Ticket, status: number): Ticket {
    if (this.#breaker === undefined) return ticket;
    const probe = probeOf(ticket);
    this.#breaker.judge(status, probe, this.#nowMs());
    if (probe === noProbe) return ticket;
    this.#breaker.leave();
    return ticketOf(noProbe, isRetry(ticket));
  }

  /** `hasAnswered`: `judgeHead` has been told. */
  judgeEnd(ticket: Ticket, outcome: TryOutcome, hasAnswered: boolean): void {
    if (hasAnswered) this.#breaker?.judgeRest(outcome, this.#nowMs());
    else this.#breaker?.judge(outcome, probeOf(ticket), this.#nowMs());
  }

  /** The try is over, or was never made. */
  leave(ticket: Ticket): void {
    this.#record.addOwn(ServiceOwnWord.active, -1);
    if (isRetry(ticket)) this.#record.addOwn(ServiceOwnWord.retries, -1);
    if (probeOf(ticket) !== noProbe) this.#breaker?.leave();
    this.#held.finish();
  }

  #admitRetry(nowMs: number): Ticket {
    const { requestsMax, retriesMax } = this.#settings;
    if (!this.#enter(ServiceOwnWord.retries, retriesMax)) return Refused.retries;
    const ticket = this.#enter(ServiceOwnWord.active, requestsMax)
      ? this.#admitProbe(nowMs, true)
      : Refused.requests;
    if (ticket < 0) this.#record.addOwn(ServiceOwnWord.retries, -1);
    return ticket;
  }

  #admitProbe(nowMs: number, isAgain: boolean): Ticket {
    const probe = this.#breaker?.admit(nowMs) ?? noProbe;
    if (probe !== refusedByBreaker) return ticketOf(probe, isAgain);
    this.#record.addOwn(ServiceOwnWord.active, -1);
    return Refused.circuit;
  }

  /** Hot path: without a limit a plain store is enough. */
  #enter(word: number, max: number): boolean {
    if (max > 0) return this.#record.enterOwn(word, max);
    this.#record.addOwn(word, 1);
    return true;
  }
}

function ticketOf(probe: number, isAgain: boolean): Ticket {
  return probe * 2 + (isAgain ? 1 : 0);
}

function isRetry(ticket: Ticket): boolean {
  return ticket % 2 === 1;
}

function probeOf(ticket: Ticket): number {
  return Math.floor(ticket / 2);
}
