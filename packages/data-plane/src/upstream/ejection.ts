/** An endpoint that fails gets no requests for a while: how any thread begins that, and the supervisor ends it. */

import { EndpointWord } from '../counts/endpoint-record.ts';
import { ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';

/** Why an endpoint is ejected, as a word of its record. */
export const EjectionReason = { connectFailures: 1, serverErrors: 2, successRate: 3 } as const;

export type EjectionReasonCode = (typeof EjectionReason)[keyof typeof EjectionReason];

/** How many of so many endpoints may be ejected at once: rounded down, but one of two, and never the only one. */
export function ejectedMax(endpoints: number, percentMax: number): number {
  return endpoints < 2 ? 0 : Math.max(1, Math.floor((endpoints * percentMax) / 100));
}

/**
 * Ejects it, unless it is ejected already or `max` endpoints of the Service are. The place is taken first, so that however many threads do this at once
 * there are never more; a place that a thread has taken and not used when it ended is found again by the supervisor (`EjectionKeeper`).
 */
export function eject(
  service: SharedRecord,
  endpoint: SharedRecord,
  max: number,
  reason: EjectionReasonCode,
): boolean {
  if (endpoint.load(EndpointWord.ejected) !== 0 || !takePlace(service, max)) return false;
  endpoint.store(EndpointWord.ejectedFor, reason);
  if (!endpoint.compareExchange(EndpointWord.ejected, 0, 1)) {
    service.add(ServiceWord.ejected, -1);
    return false;
  }
  service.add(ServiceWord.epoch, 1);
  return true;
}

/** The endpoint gets requests again, and begins without a failure. Whether it was ejected. */
export function readmit(service: SharedRecord, endpoint: SharedRecord): boolean {
  endpoint.store(EndpointWord.connectFailures, 0);
  endpoint.store(EndpointWord.serverErrors, 0);
  if (!endpoint.compareExchange(EndpointWord.ejected, 1, 0)) return false;
  service.add(ServiceWord.ejected, -1);
  service.add(ServiceWord.epoch, 1);
  return true;
}

function takePlace(service: SharedRecord, max: number): boolean {
  for (;;) {
    const taken = service.load(ServiceWord.ejected);
    if (taken >= max) return false;
    if (service.compareExchange(ServiceWord.ejected, taken, taken + 1)) return true;
  }
}
