import type { RateLimitSettings, RateSettings } from '@causeway/filters/rate-limit/rate-limit';
import {
  LimitFailure,
  type Rate,
  type RateLimit,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readRequestSource } from '../read-balancing.ts';

export function readRateLimit(compiled: RateLimit, enforcedPercent: number): RateLimitSettings {
  const { id, rate, key, cost, tiers, headers, namespace, cluster } = compiled;
  return {
    id,
    namespace,
    ...readRate(rate),
    key: key.map(readRequestSource),
    cost: readCost(cost),
    tiers: tiers.map((tier) => ({ ...readRate(tier.rate), groups: tier.groups, consumers: tier.consumers })),
    headers,
    enforcedPercent,
    onFailure: cluster && readLimitFailure(cluster.onFailure),
  };
}

/** Throws an Error when there is none. */
export function readRate(rate: Rate | undefined): RateSettings {
  if (rate === undefined) throw new Error('a limit has no rate');
  const { requests, perSeconds, burst } = rate;
  return { requests, perSeconds, burst };
}

function readLimitFailure(onFailure: LimitFailure): NonNullable<RateLimitSettings['onFailure']> {
  switch (onFailure) {
    case LimitFailure.LOCAL:
      return 'local';
    case LimitFailure.ALLOW:
      return 'allow';
    case LimitFailure.DENY:
      return 'deny';
    default:
      throw new UnknownChoice(`onFailure ${onFailure}`);
  }
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
