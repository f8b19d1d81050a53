import { z } from 'zod';
import { choice, duration, flag, headerName, integer, line, list, object, say } from '../fields.ts';
import { parseDurationMs } from '../quantity.ts';
import { needsIdentity, parseSource } from '../source.ts';
import type { FilterKind } from './filter-kind.ts';
import { limitKey } from './limit-key.ts';

export const requests = integer('a number of requests', 'Requests in each `per`.', 1, 1_000_000_000);
export const burst = integer(
  'a number of requests',
  'Requests that may come at once; default = requests.',
  1,
  1_000_000_000,
);

export const per = duration
  .refine(
    (text) => {
      const ms = parseDurationMs(text);
      return ms === undefined || (ms >= 1000 && ms % 1000 === 0);
    },
    { error: () => say('out_of_range', 'not a number of whole seconds', 'write 1s, 1m or 1h') },
  )
  .describe('Window, in whole seconds: clients are told in seconds.');

const cost = z
  .union(
    [
      integer('a cost', 'Tokens that a request costs.', 1, 1_000_000),
      object({
        responseHeader: headerName.describe('Header of the answer that says the cost; charged afterwards.'),
      }),
    ],
    { error: () => say('wrong_type', 'neither a number nor {responseHeader}') },
  )
  .describe('Tokens that a request costs, or {responseHeader: NAME}.');

const tier = object(
  {
    groups: list(line('a group', 'A group.', 256), { description: 'Any of these groups.', max: 64 }).default(
      [],
    ),
    consumers: list(line('a consumer', 'A Consumer, or provider/value.', 512), {
      description: 'Any of these consumers.',
      max: 64,
    }).default([]),
    requests,
    per: per.optional().describe('Default: that of the limit.'),
    burst: burst.optional(),
  },
  'Other numbers for some of the callers.',
);

const rateLimitSpec = object(
  {
    requests,
    per,
    burst: burst.optional(),
    cost: cost.default(1),
    key: limitKey.default('address'),
    tiers: list(tier, {
      description: 'Other numbers for some of the callers; the first that fits.',
      max: 32,
    }).default([]),
    scope: choice('Who counts: each node by itself, or all nodes of the Gateway together, in its redis.', [
      'node',
      'cluster',
    ]).default('node'),
    onFailure: choice(
      'scope cluster only: what becomes of requests while Redis does not answer. local: each node holds its share, the limit divided by the nodes; allow: they pass; deny: 503 limits_unavailable. Default local.',
      ['local', 'allow', 'deny'],
    ).optional(),
    headers: flag('Clients are told by RateLimit and RateLimit-Policy what is left.').default(true),
  },
  'So many requests in so much time, exact over all workers of a node or, with scope cluster, over all nodes; what is over is refused with 429 rate_limited.',
).superRefine(({ cost: wanted, burst: size, requests: count, tiers, scope, onFailure }, context) => {
  if (onFailure !== undefined && scope === 'node')
    context.addIssue({
      code: 'custom',
      path: ['onFailure'],
      message: say(
        'not_allowed_here',
        'a node asks nobody for scope node',
        'write scope: cluster, or remove it',
      ),
    });
  if (typeof wanted !== 'number') return;
  if ((size ?? count) < wanted)
    context.addIssue({
      code: 'custom',
      path: ['burst'],
      message: say('out_of_range', `smaller than the cost of a request, ${wanted}`),
    });
  for (const [index, { burst: own, requests: tierCount }] of tiers.entries())
    if ((own ?? tierCount) < wanted)
      context.addIssue({
        code: 'custom',
        path: ['tiers', index, 'burst'],
        message: say('out_of_range', `smaller than the cost of a request, ${wanted}`),
      });
});

export type RateLimitSpec = z.output<typeof rateLimitSpec>;

export const rateLimitFilter: FilterKind<typeof rateLimitSpec> = {
  key: 'rateLimit',
  spec: rateLimitSpec,
  phase: (spec) => (asksWho(spec) ? 'identityLimits' : 'limits'),
  mayRepeat: true,
  mayBeShadowed: true,
  summary: ({ requests: count, per: window, key: by, scope }) =>
    `rateLimit ${count}/${window} by ${[by].flat().join(', ')}${scope === 'cluster' ? ', over all nodes' : ''}`,
};

function asksWho({ key: by, tiers }: RateLimitSpec): boolean {
  return tiers.length > 0 || [by].flat().some((text) => needsIdentity(parseSource(text)!));
}
