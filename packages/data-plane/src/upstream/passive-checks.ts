/** What the ends of tries say about endpoints: those that fail again and again are ejected, by whichever worker sees it first. */

import { EndpointWord } from '../counts/endpoint-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { eject, EjectionReason, ejectedMax } from './ejection.ts';
import { TryFailure, type TryOutcome } from './try-outcome.ts';

/** When an endpoint is ejected, and for how long. */
export interface PassiveSettings {
  /** Failed connections in a row; 0 = off. */
  readonly connectFailures: number;
  /** Answers of 500 and more in a row, counting what is reset or times out among them; 0 = off. */
  readonly consecutive5xx: number;
  /** Fewer good ones among the tries of the last `windowMs`, if these are at least `minRequests`; 0 = off. */
  readonly successRatePercent: number;
  readonly minRequests: number;
  readonly windowMs: number;
  /** Times how often it has happened, at most `maxEjectForMs`. */
  readonly ejectForMs: number;
  readonly maxEjectForMs: number;
  /** Of the endpoints of a Service, see `ejectedMax`. */
  readonly maxEjectedPercent: number;
}

/** Of one Service, in one thread; all that it remembers stands in the records. */
export class PassiveChecks {
  readonly #settings: PassiveSettings;
  readonly #service: SharedRecord;
  #ejectedMax = 0;

  constructor(settings: PassiveSettings, service: SharedRecord) {
    this.#settings = settings;
    this.#service = service;
  }

  /** `endpoints`: those with a weight. */
  setEndpoints(endpoints: number): void {
    this.#ejectedMax = ejectedMax(endpoints, this.#settings.maxEjectedPercent);
  }

  /** A try on the endpoint is over. */
  note(endpoint: SharedRecord, outcome: TryOutcome): void {
    if (outcome === TryFailure.abandoned) return;
    if (outcome === TryFailure.connectFailure) this.#count(endpoint, EndpointWord.connectFailures);
    else {
      // Whoever answers can be connected to.
      if (outcome > 0) forgive(endpoint, EndpointWord.connectFailures);
      if (outcome > 0 && outcome < 500) forgive(endpoint, EndpointWord.serverErrors);
      else this.#count(endpoint, EndpointWord.serverErrors);
    }
  }

  #count(endpoint: SharedRecord, word: CountedWord): void {
    const { connectFailures, consecutive5xx } = this.#settings;
    const isConnecting = word === EndpointWord.connectFailures;
    const max = isConnecting ? connectFailures : consecutive5xx;
    // What was under way when it was ejected says nothing about the time after.
    if (max === 0 || endpoint.load(EndpointWord.ejected) !== 0) return;
    const reason = isConnecting ? EjectionReason.connectFailures : EjectionReason.serverErrors;
    if (endpoint.add(word, 1) + 1 >= max) eject(this.#service, endpoint, this.#ejectedMax, reason);
  }
}

type CountedWord = typeof EndpointWord.connectFailures | typeof EndpointWord.serverErrors;

function forgive(endpoint: SharedRecord, word: CountedWord): void {
  if (endpoint.load(word) !== 0) endpoint.store(word, 0);
}
