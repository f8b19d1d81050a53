import type { ConsumerLimits, ConsumerQuota } from '@causeway/filters/consumers';
import { type CompiledConsumer, QuotaPeriod } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { readRate } from './filters/rate-limit.ts';

/** Undefined: the Consumer is held to nothing. */
export function readConsumerLimits({ name, limits, quotas }: CompiledConsumer): ConsumerLimits | undefined {
  if (limits.length === 0 && quotas.length === 0) return undefined;
  return {
    consumer: name,
    rates: limits.map((limit) => ({ name: limit.name, ...readRate(limit.rate), isShared: limit.cluster })),
    quotas: quotas.map(({ name: quota, requests, per, timeZone }) => ({
      name: quota,
      requests,
      per: readPeriod(per),
      timeZone,
    })),
  };
}

function readPeriod(per: QuotaPeriod): ConsumerQuota['per'] {
  switch (per) {
    case QuotaPeriod.DAY:
      return 'day';
    case QuotaPeriod.MONTH:
      return 'month';
    default:
      throw new UnknownChoice(`period ${per}`);
  }
}
