import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { RateLimitSpec } from '@causeway/model/filters/rate-limit';
import { durationMs } from '@causeway/model/quantity';
import { defaultNamespace } from '@causeway/model/resource';
import {
  LimitFailure,
  type RateLimit,
  RateLimitSchema,
  type RateSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileSource } from '../compile-affinity.ts';

/** `id`: of the object in which it is written, and its name. */
export function compileRateLimit(spec: RateLimitSpec, namespace: string | undefined, id: string): RateLimit {
  const { cost, key, tiers, headers, scope, onFailure = 'local' } = spec;
  return create(RateLimitSchema, {
    id,
    rate: compileRate(spec, spec.per),
    key: [key].flat().map(compileSource),
    cost:
      typeof cost === 'number'
        ? { case: 'tokens', value: cost }
        : { case: 'responseHeader', value: cost.responseHeader.toLowerCase() },
    tiers: tiers.map((tier) => ({
      rate: compileRate(tier, tier.per ?? spec.per),
      groups: tier.groups,
      consumers: tier.consumers,
    })),
    headers,
    namespace: namespace ?? defaultNamespace,
    ...(scope === 'cluster' && { cluster: { onFailure: limitFailures[onFailure] } }),
  });
}

const limitFailures = {
  local: LimitFailure.LOCAL,
  allow: LimitFailure.ALLOW,
  deny: LimitFailure.DENY,
} as const;

export function compileRate(
  { requests, burst }: Pick<RateLimitSpec, 'requests' | 'burst'>,
  per: string,
): MessageInitShape<typeof RateSchema> {
  return { requests, perSeconds: durationMs(per) / 1000, burst: burst ?? requests };
}
