import type { z } from 'zod';
import { name, object, percent, keptBodySize } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const mirrorSpec = object(
  {
    service: name.describe('Service that gets the copies.'),
    percent: percent('Share of the requests that are copied.').default(100),
    maxBodySize: keptBodySize
      .default('64KiB')
      .describe('Requests with a larger body are not copied; at most 16MiB.'),
  },
  'Sends a copy of requests to another Service. Nobody waits for its answers, and nobody sees them.',
);

export type MirrorSpec = z.output<typeof mirrorSpec>;

export const mirrorFilter: FilterKind<typeof mirrorSpec> = {
  key: 'mirror',
  spec: mirrorSpec,
  phase: 'mirror',
  mayRepeat: true,
  objectFields: [{ field: 'service', kind: 'Service' }],
  summary: ({ service, percent: share }) =>
    share === 100 ? `mirror ${service}` : `mirror ${service} ${share}%`,
};
