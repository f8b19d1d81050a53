import type { z } from 'zod';
import { duration, flag, integer, object, oneOf, percent, say } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const abort = oneOf(
  {
    status: integer('a status', 'answer of that status', 200, 599).optional(),
    reset: flag('true: the connection is cut without an answer').optional(),
  },
  'How the request ends instead of going upstream.',
  {},
).superRefine(({ reset }, context) => {
  if (reset !== false) return;
  context.addIssue({
    code: 'custom',
    path: ['reset'],
    message: say('not_allowed_here', 'false means nothing here', 'remove it'),
  });
});

const faultInjectionSpec = object(
  {
    percent: percent('Share of the requests that this happens to.').default(0),
    delay: duration.optional().describe('They wait so long first.'),
    abort: abort.optional(),
  },
  'Makes a share of the requests slow, or fail, as a bad upstream would: for tests and drills.',
).superRefine(({ delay, abort: end }, context) => {
  if (delay !== undefined || end !== undefined) return;
  context.addIssue({ code: 'custom', message: say('missing', 'needs delay, abort or both') });
});

export type FaultInjectionSpec = z.output<typeof faultInjectionSpec>;

export const faultInjectionFilter: FilterKind<typeof faultInjectionSpec> = {
  key: 'faultInjection',
  spec: faultInjectionSpec,
  phase: 'fault',
  mayRepeat: false,
  summary: ({ percent: share }) => `faultInjection ${share}%`,
};
