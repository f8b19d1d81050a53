import type { z } from 'zod';
import { choice, duration, integer, object, percent, say } from '../fields.ts';
import { source } from '../source.ts';

const policies = ['roundRobin', 'random', 'leastRequest', 'peakEwma', 'consistentHash', 'first'] as const;

export type BalancingPolicy = (typeof policies)[number];

/** How an endpoint is picked. */
export const loadBalancing = object(
  {
    policy: choice(
      'roundRobin: in turn. random. leastRequest: the less busy of two. peakEwma: the faster of two. consistentHash: by a value of the request. first: the best priority that is fit.',
      policies,
    ).default('roundRobin'),
    hash: source
      .optional()
      .describe(
        'The value that decides; consistentHash only, and needed there. A request without it goes in turn.',
      ),
    boundedLoadPercent: integer(
      'a bound on the load',
      'consistentHash: 125 = an endpoint has at most 1.25 times the mean of active requests, and what is more goes to the next; 0 = off.',
      0,
      1000,
    ).default(0),
    slowStart: duration
      .default('0s')
      .describe(
        'An endpoint that is new or fit again grows from a tenth of its weight to all of it in this time; 0s = off. Not for consistentHash.',
      ),
    zone: choice(
      "prefer: endpoints of the node's own zone (its label zone) first, and all when too few of them are fit.",
      ['ignore', 'prefer'],
    ).default('ignore'),
    spillPercent: percent('With less than so many endpoints of the zone fit, all are used.').default(70),
  },
  'How requests are spread over the endpoints.',
)
  .superRefine(({ policy, hash, boundedLoadPercent }, context) => {
    const complain = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const isHashing = policy === 'consistentHash';
    if (isHashing && hash === undefined)
      complain(
        'hash',
        say('missing', 'required: what consistentHash decides by', 'such as "header:x-user-id"'),
      );
    if (!isHashing && hash !== undefined)
      complain(
        'hash',
        say('not_allowed_here', `policy ${policy} has no hash`, 'write policy: consistentHash'),
      );
    if (!isHashing && boundedLoadPercent > 0)
      complain('boundedLoadPercent', say('not_allowed_here', `policy ${policy} has no bound on the load`));
    if (boundedLoadPercent > 0 && boundedLoadPercent <= 100)
      complain(
        'boundedLoadPercent',
        say(
          'out_of_range',
          `${boundedLoadPercent} leaves no room over the mean`,
          'more than 100, such as 125',
        ),
      );
  })
  .prefault({});

export type LoadBalancing = z.output<typeof loadBalancing>;
