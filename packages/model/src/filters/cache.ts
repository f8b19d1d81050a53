import type { z } from 'zod';
import { choice, duration, flag, headerName, line, list, object, sizeWithin } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const cacheSpec = object(
  {
    ttl: duration
      .optional()
      .describe(
        'How long answers without freshness of their own (Cache-Control, Expires) are fresh; absent = they are not stored.',
      ),
    methods: list(choice('A method.', ['GET', 'HEAD']), {
      description: 'Methods that are answered from the cache. HEAD is answered from what a GET has stored.',
      min: 1,
      max: 2,
      key: '',
    }).default(['GET', 'HEAD']),
    vary: list(headerName, {
      description: 'Headers of the request that are part of the key, besides those that Vary names.',
      max: 16,
      key: '',
    }).default([]),
    query: list(line('a query parameter name', 'Name of a query parameter, case-sensitive.', 256), {
      description: 'Query parameters that are part of the key, the others are not; absent = the whole query.',
      max: 64,
      key: '',
    }).optional(),
    maxEntrySize: sizeWithin({ min: '1B', max: '64MiB' })
      .default('1MiB')
      .describe('Answers with a larger body are not stored.'),
    staleWhileRevalidate: duration
      .default('0s')
      .describe(
        'For so long a stale answer is given while one request in the background asks for a newer one; the answer may say otherwise.',
      ),
    staleIfError: duration
      .default('0s')
      .describe(
        'For so long a stale answer is given where the upstream fails: 500, 502, 503, 504; the answer may say otherwise.',
      ),
    collapse: flag(
      'Of requests for the same that is not stored one goes to the upstream, and the others wait for its answer.',
    ).default(true),
  },
  'Keeps answers to GET and gives them again, as RFC 9111 says for a shared cache. Behind authentication: what is not public goes to its own caller alone.',
);

export type CacheSpec = z.output<typeof cacheSpec>;

export const cacheFilter: FilterKind<typeof cacheSpec> = {
  key: 'cache',
  spec: cacheSpec,
  phase: 'cache',
  mayRepeat: false,
  summary: ({ ttl }) => (ttl === undefined ? 'cache' : `cache ${ttl}`),
};
