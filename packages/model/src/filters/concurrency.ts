import type { z } from 'zod';
import { integer, object, realDuration } from '../fields.ts';
import { needsIdentity, parseSource } from '../source.ts';
import type { FilterKind } from './filter-kind.ts';
import { limitKey } from './limit-key.ts';

const concurrencySpec = object(
  {
    max: integer(
      'a number of requests',
      'Requests that may be under way at once; a WebSocket is one for as long as it lives.',
      1,
      1_000_000,
    ),
    key: limitKey.default('route'),
    maxWaiting: integer(
      'a number of requests',
      'Requests with the same key that may wait for their turn.',
      0,
      10_000,
    ).default(0),
    waitTimeout: realDuration.default('1s').describe('They wait no longer than this.'),
  },
  'So many requests at once, counted over all workers of a node; what is over is refused with 503 overloaded.',
);

export type ConcurrencySpec = z.output<typeof concurrencySpec>;

export const concurrencyFilter: FilterKind<typeof concurrencySpec> = {
  key: 'concurrency',
  spec: concurrencySpec,
  phase: ({ key }) =>
    [key].flat().some((text) => needsIdentity(parseSource(text)!)) ? 'identityLimits' : 'limits',
  mayRepeat: true,
  mayBeShadowed: true,
  summary: ({ max, key }) => `concurrency ${max} by ${[key].flat().join(', ')}`,
};
