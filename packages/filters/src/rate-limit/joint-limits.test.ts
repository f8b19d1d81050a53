import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { enforcedFor } from '../enforced.ts';
import type { Filter } from '../filter.ts';
import type { Buckets } from './buckets.ts';
import { noClusterBuckets } from './cluster-buckets.ts';
import { joinLimits } from './joint-limits.ts';
import { RateLimitFilter, type RateLimitSettings } from './rate-limit.ts';

const buckets: Buckets = { limitId: () => ({ low: 0, high: 0 }), take: () => 0, charge: () => 0 };
const plain: RateLimitSettings = {
  id: 'route/shop/r/rateLimit',
  namespace: 'shop',
  requests: 10,
  perSeconds: 60,
  burst: 3,
  key: [{ kind: 'address' }],
  cost: 1,
  tiers: [],
  headers: true,
  enforcedPercent: 100,
  onFailure: 'local',
};

function limit(name: string, settings: Partial<RateLimitSettings> = {}): RateLimitFilter {
  return new RateLimitFilter(name, { ...plain, ...settings }, buckets, noClusterBuckets);
}

describe('joinLimits', () => {
  const other: Filter = { kind: 'cors', name: 'cors' };
  const byRoute = { key: [{ kind: 'route' }] } as const;
  const cases: [what: string, filters: readonly Filter[], joined: string][] = [
    ['neighbours of one key', [limit('a'), limit('b'), limit('c')], 'a and b and c'],
    ['none across other filters', [limit('a'), other, limit('b'), limit('c')], 'a, cors, b and c'],
    ['none of other keys', [limit('a'), limit('b', byRoute), limit('c', byRoute)], 'a, b and c'],
    ['none of the node', [limit('a'), limit('b', { onFailure: undefined })], 'a, b'],
    ['none that are tried out', [limit('a'), enforcedFor(limit('b'), 0), limit('c')], 'a, b, c'],
  ];
  for (const [what, filters, joined] of cases)
    it(`joins ${what}`, () => {
      assert.equal(
        joinLimits(filters)
          .map(({ name }) => name)
          .join(', '),
        joined,
      );
    });
});
