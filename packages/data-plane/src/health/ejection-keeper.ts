/**
 * The ejected endpoints of one Service as the supervisor keeps them. Workers eject; here it is seen, told and ended, and here those are ejected
 * whose success rate is low, which no worker knows by itself.
 */

import { EndpointWord } from '../counts/endpoint-record.ts';
import { ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { eject, EjectionReason, ejectedMax, readmit } from '../upstream/ejection.ts';
import type { PassiveSettings } from '../upstream/passive-checks.ts';
import { windowSteps } from './success-rate.ts';
import type { WatchedEndpoint } from './watched-endpoint.ts';

/** Bounded, for metrics. */
export type EjectionReasonName = 'connect_failures' | 'consecutive_5xx' | 'success_rate';

export interface EjectionEvents {
  onEjected(endpoint: WatchedEndpoint, reason: EjectionReasonName, forMs: number): void;
  onReadmitted(endpoint: WatchedEndpoint): void;
}

export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export class EjectionKeeper {
  readonly #service: SharedRecord;
  readonly #events: EjectionEvents;
  #settings: PassiveSettings | undefined;
  #endpoints: readonly WatchedEndpoint[] = [];
  /** Something is to be looked at, even if no endpoint seems to be ejected. */
  #isDue = true;
  /** Count of ejected endpoints that the last look found to be wrong. */
  #wrongCount: string | undefined;
  #stepEndMs = 0;
  /** Of the last look; monotonic. */
  #nowMs = 0;

  constructor(service: SharedRecord, events: EjectionEvents) {
    this.#service = service;
    this.#events = events;
  }

  /** Undefined ends all ejections. */
  setSettings(settings: PassiveSettings | undefined): void {
    this.#settings = settings;
    this.#isDue = true;
    if (settings !== undefined) return;
    for (const endpoint of this.#endpoints) this.#readmit(endpoint);
  }

  /** Those that have left must have been let go before. */
  setEndpoints(endpoints: readonly WatchedEndpoint[]): void {
    this.#endpoints = endpoints;
    this.#isDue = true;
  }

  /** An endpoint leaves, and gives its place back. */
  letGo({ record }: WatchedEndpoint): void {
    readmit(this.#service, record);
  }

  /** An endpoint that checks had found unhealthy has recovered: what requests said of the time before is over. */
  onRecovered(endpoint: WatchedEndpoint): void {
    this.#readmit(endpoint);
  }

  /** Cheap while nothing is ejected. */
  look(now: Moment): void {
    this.#nowMs = now.monotonicMs;
    const settings = this.#settings;
    if (settings === undefined) {
      // By tries that began when there still were settings.
      if (this.#service.load(ServiceWord.ejected) > 0) this.setSettings(undefined);
      return;
    }
    if (settings.successRatePercent > 0 && now.monotonicMs >= this.#stepEndMs)
      this.#judgeRates(settings, now);
    if (!this.#isDue && this.#service.load(ServiceWord.ejected) === 0) return;
    this.#isDue = false;
    for (const endpoint of this.#endpoints) this.#lookAt(endpoint, settings, now);
    this.#readmitBeyond(settings);
    this.#correctCount();
  }

  #lookAt(endpoint: WatchedEndpoint, settings: PassiveSettings, now: Moment): void {
    const { record, ejection } = endpoint;
    const nowMs = now.monotonicMs;
    if (ejection !== undefined && nowMs >= ejection.endMs) this.#readmit(endpoint);
    else if (ejection === undefined && record.load(EndpointWord.ejected) !== 0)
      this.#begin(endpoint, settings, now);
    else if (ejection === undefined && endpoint.ejections > 0) this.#forget(endpoint, settings, nowMs);
    // As long as there is something to forget, somebody has to look.
    if (endpoint.ejections > 0) this.#isDue = true;
  }

  #begin(endpoint: WatchedEndpoint, settings: PassiveSettings, now: Moment): void {
    const { reason, detail } = whyEjected(endpoint, settings);
    endpoint.ejections += 1;
    const forMs = Math.min(settings.ejectForMs * endpoint.ejections, settings.maxEjectForMs);
    endpoint.ejection = { detail, endMs: now.monotonicMs + forMs, sinceMs: now.wallMs };
    this.#events.onEjected(endpoint, reason, forMs);
  }

  #readmit(endpoint: WatchedEndpoint): void {
    readmit(this.#service, endpoint.record);
    if (endpoint.ejection === undefined) return;
    endpoint.ejection = undefined;
    endpoint.quietSinceMs = this.#nowMs;
    endpoint.successRate.restart();
    this.#events.onReadmitted(endpoint);
  }

  /** Each `ejectForMs` without an ejection takes one back, as each interval does in Envoy (outlier detection, ejection algorithm). */
  #forget(endpoint: WatchedEndpoint, { ejectForMs }: PassiveSettings, nowMs: number): void {
    if (nowMs - endpoint.quietSinceMs < ejectForMs) return;
    endpoint.ejections -= 1;
    endpoint.quietSinceMs = nowMs;
  }

  /** Endpoints have left since, or fewer may be ejected than before: those that were next anyway come back. */
  #readmitBeyond({ maxEjectedPercent }: PassiveSettings): void {
    const ejected = this.#endpoints.filter(({ ejection }) => ejection !== undefined);
    const max = ejectedMax(this.#endpoints.filter(({ hasWeight }) => hasWeight).length, maxEjectedPercent);
    if (ejected.length <= max) return;
    const byEnd = ejected.toSorted((one, other) => one.ejection!.endMs - other.ejection!.endMs);
    for (const endpoint of byEnd.slice(0, ejected.length - max)) this.#readmit(endpoint);
  }

  /**
   * A worker that ends between taking a place and ejecting, or that ejects an endpoint after it has left, leaves a count that is wrong. One that two looks
   * in a row find equally wrong is put right: no worker takes so long between the two words.
   */
  #correctCount(): void {
    const counted = this.#service.load(ServiceWord.ejected);
    const ejected = this.#endpoints.filter(({ record }) => record.load(EndpointWord.ejected) !== 0).length;
    if (counted === ejected) {
      this.#wrongCount = undefined;
      return;
    }
    this.#isDue = true;
    const wrong = `${counted} for ${ejected}`;
    if (wrong === this.#wrongCount) this.#service.compareExchange(ServiceWord.ejected, counted, ejected);
    this.#wrongCount = wrong;
  }

  #judgeRates(settings: PassiveSettings, now: Moment): void {
    const { windowMs, successRatePercent, minRequests, maxEjectedPercent } = settings;
    this.#stepEndMs = now.monotonicMs + windowMs / windowSteps;
    const max = ejectedMax(this.#endpoints.filter(({ hasWeight }) => hasWeight).length, maxEjectedPercent);
    for (const endpoint of this.#endpoints) {
      endpoint.successRate.note(endpoint.tries);
      const percent = endpoint.successRate.percent(minRequests);
      if (percent !== undefined && percent < successRatePercent)
        eject(this.#service, endpoint.record, max, EjectionReason.successRate);
    }
  }
}

function whyEjected(
  { record, successRate }: WatchedEndpoint,
  settings: PassiveSettings,
): { reason: EjectionReasonName; detail: string } {
  switch (record.load(EndpointWord.ejectedFor)) {
    case EjectionReason.connectFailures:
      return {
        reason: 'connect_failures',
        detail: `${settings.connectFailures} failed connections in a row`,
      };
    case EjectionReason.serverErrors:
      return { reason: 'consecutive_5xx', detail: `${settings.consecutive5xx} failed requests in a row` };
    default: {
      const percent = successRate.percent(settings.minRequests)?.toFixed(1) ?? 'few';
      return { reason: 'success_rate', detail: `${percent} % of its requests went well` };
    }
  }
}
