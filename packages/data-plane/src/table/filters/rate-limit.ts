import type { RateLimitSettings, RateSettings } from '@causeway/filters/rate-limit/rate-limit';
import type { Rate, RateLimit } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readRequestSource } from '../read-balancing.ts';

export function readRateLimit({
  id,
  rate,
  key,
  cost,
  tiers,
  headers,
  namespace,
}: RateLimit): RateLimitSettings {
  return {
    id,
    namespace,
    ...readRate(rate),
    key: key.map(readRequestSource),
    cost: readCost(cost),
    tiers: tiers.map((tier) => ({ ...readRate(tier.rate), groups: tier.groups, consumers: tier.consumers })),
    headers,
  };
}

function readRate(rate: Rate | undefined): RateSettings {
  if (rate === undefined) throw new Error('a limit has no rate');
  const { requests, perSeconds, burst } = rate;
  return { requests, perSeconds, burst };
}

function readCost(cost: RateLimit['cost']): RateLimitSettings['cost'] {
  switch (cost.case) {
    case 'tokens':
      return cost.value;
    case 'responseHeader':
      return { responseHeader: cost.value };
    case undefined:
      throw new UnknownChoice('what a request costs');
  }
}
