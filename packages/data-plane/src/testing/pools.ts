/** What pools need, for tests that have no node. */

import { type Clock, systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { NameResolver } from '@causeway/runtime/name-resolver';

import { TimerWheel } from '../proxy/timer-wheel.ts';
import { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import { plainBalancing } from '../upstream/balancing/balancing-settings.ts';
import type { PoolContext } from '../upstream/endpoint-pool.ts';
import type { ServiceSettings } from '../upstream/service-handle.ts';
import { aloneShared } from '../counts/node-shared.ts';
import { EndpointPlaces } from '../upstream/endpoint-places.ts';
import type { Random } from '../upstream/balancing/member.ts';
import { FailureReport, logFailures } from '../upstream/failure-report.ts';
import { PoolCounters } from '../upstream/pool-counters.ts';
import { defaultRetryBudget } from '../upstream/retry-budget.ts';
import { noBreaker } from '../upstream/service-gate.ts';

export function poolContext(clock: Clock = systemClock, random: Random = Math.random): PoolContext {
  const wheel = new TimerWheel(clock);
  const resolver = new NameResolver({ clock });
  const shared = aloneShared();
  return {
    clock,
    wheel,
    ownPorts: { has: () => false },
    counters: new PoolCounters(),
    resolver,
    places: new EndpointPlaces(shared.endpoints, 1, undefined),
    shared,
    hasDescriptors: () => true,
    zone: undefined,
    onBreaker: () => {},
    affinityKeys: new AffinityKeys(),
    random,
    failures: new FailureReport(clock, logFailures(createLogger({ level: 'error' }))),
  };
}

export function poolSettings(settings: Partial<ServiceSettings> = {}): ServiceSettings {
  return {
    protocol: 'http',
    connectTimeoutMs: 1000,
    connectionsMax: 2,
    waitingMax: 2,
    idleTimeoutMs: 5000,
    requestsPerConnectionMax: 0,
    ageMaxMs: 0,
    tls: undefined,
    breaker: noBreaker,
    retryBudget: defaultRetryBudget,
    balancing: plainBalancing,
    ...settings,
  };
}
