import { PasswordCheck } from '@causeway/filters/basic-auth/password-check';
import { CacheStore } from '@causeway/filters/cache/cache-store';
import { Flights } from '@causeway/filters/cache/flights';
import { ConsumerLimitsFilter } from '@causeway/filters/consumer-limits/consumer-limits';
import { KeySets } from '@causeway/filters/jwt/key-sets';
import { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import { noClusterBuckets } from '@causeway/filters/rate-limit/cluster-buckets';
import { loginServices } from '@causeway/filters/testing/login-services';
import { systemClock } from '@causeway/runtime/clock';

import { Staples } from '../listen/tls/ocsp/staples.ts';
import { TicketKeys } from '../listen/tls/ticket-keys.ts';
import { RequestPlaces } from '../counts/request-places.ts';
import { createSharedCounts, SharedCounts } from '../counts/shared-counts.ts';
import { createTokenBuckets, TokenBuckets } from '../counts/token-buckets.ts';
import { PluginModules } from '../plugins/plugin-modules.ts';
import { filterBuilder } from '../table/build-filters.ts';
import { processRandom } from '../upstream/balancing/member.ts';
import type { SharedBuild } from '../table/build-table.ts';
import { readAuthProvider } from '../table/read-auth-provider.ts';

const buckets = new TokenBuckets(createTokenBuckets(1024));
const wallMs = (): number => systemClock.wallMs();

/** The filters of a node that is alone. */
export const plainFilters = filterBuilder({
  random: processRandom,
  clusterBuckets: noClusterBuckets,
  buckets,
  places: new RequestPlaces(new SharedCounts(createSharedCounts(64, 1), 0)),
  monotonicMs: () => systemClock.monotonicMs(),
  wallMs,
  passwords: new PasswordCheck(systemClock),
  plugins: { clock: systemClock, modules: new PluginModules(), onFailure: () => {} },
  cache: {
    ...systemClock,
    store: new CacheStore(),
    flights: new Flights(systemClock),
    canonical: () => undefined,
    tellChanged: () => {},
  },
  onKeyUsed: () => {},
  logins: loginServices(),
});

/** Of a node that is alone and just begins. */
export function sharedBuild(): SharedBuild {
  const keySets = new KeySets(() => Promise.resolve());
  return {
    ticketKeys: new TicketKeys(),
    staples: new Staples(systemClock),
    buildFilter: plainFilters,
    consumerLimits: new ConsumerLimitsFilter({ buckets, clusterBuckets: noClusterBuckets, wallMs }),
    buildVerifier: (provider) => new TokenVerifier(readAuthProvider(provider), keySets, Date.now),
  };
}
