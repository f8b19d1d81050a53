/** What is told of an endpoint that a Service names: of a host name it is what its addresses come to. */

import type { KnownHealth } from './health-report.ts';
import type { WatchedEndpoint } from './watched-endpoint.ts';

const isUnfit = ({ state }: KnownHealth): boolean => state === 'unhealthy' || state === 'ejected';

/** `addresses`: all of one name, at least one. */
export function healthOfName(addresses: readonly WatchedEndpoint[]): KnownHealth {
  const found = addresses.map(({ health }) => health);
  const unfit = found.filter(isUnfit);
  const sinceMs = Math.max(...(unfit.length > 0 ? unfit : found).map((each) => each.sinceMs));
  if (unfit.length === 0) {
    const isHealthy = found.some(({ state }) => state === 'healthy');
    return { state: isHealthy ? 'healthy' : 'unknown', detail: '', sinceMs };
  }
  const detail = addresses
    .filter(({ health }) => isUnfit(health))
    .map(({ located, health }) => `${located.address}: ${health.detail}`)
    .join(', ');
  if (unfit.length < found.length) return { state: 'degraded', detail, sinceMs };
  const state = unfit.some((each) => each.state === 'unhealthy') ? 'unhealthy' : 'ejected';
  return { state, detail, sinceMs };
}

const noAddress = 'the name has no address';

/** Of one that no request can go to; `before`: what was told of it last. */
export function healthWithoutAddress(before: KnownHealth | undefined, nowMs: number): KnownHealth {
  return before?.detail === noAddress ? before : { state: 'unhealthy', detail: noAddress, sinceMs: nowMs };
}

/** Of one that has gone. */
export const nothingKnown: KnownHealth = { state: 'unknown', detail: '', sinceMs: 0 };
