/** What the threads of a node know together of one endpoint. */

import type { SharedRecord } from './shared-records.ts';

/** Words that all of them change. */
export const EndpointWord = {
  /** One of `EndpointHealth`; written by the active checks of the supervisor alone. */
  health: 0,
  /** 1 while passive checks keep requests away. */
  ejected: 1,
  /** Why it was ejected last: one of `EjectionReason`. */
  ejectedFor: 2,
  /** Failures in a row. */
  connectFailures: 3,
  serverErrors: 4,
} as const;

/** Words of each worker. */
export const EndpointOwnWord = {
  /** Tries that are not over. */
  active: 0,
  /** Tries so far, and how many of them failed; they wrap around. */
  requests: 1,
  failures: 2,
} as const;

export const EndpointHealth = { unknown: 0, healthy: 1, unhealthy: 2 } as const;

export type EndpointState = 'unknown' | 'healthy' | 'unhealthy' | 'ejected';

/** In one word: what checks say against it goes before what requests say. */
export function endpointState(record: SharedRecord): EndpointState {
  const health = record.load(EndpointWord.health);
  if (health === EndpointHealth.unhealthy) return 'unhealthy';
  if (record.load(EndpointWord.ejected) !== 0) return 'ejected';
  return health === EndpointHealth.healthy ? 'healthy' : 'unknown';
}

export const endpointLayout = {
  commonWords: Object.keys(EndpointWord).length,
  ownWords: Object.keys(EndpointOwnWord).length,
};

/** `service`: "namespace/name" */
export function endpointKey(service: string, endpointId: string): string {
  return `${service}\n${endpointId}`;
}
