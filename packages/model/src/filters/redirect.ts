import { z } from 'zod';
import { choice, object, port, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { pathChange } from './path-change.ts';

const statuses = [301, 302, 303, 307, 308];
const hostPattern = /^(?=.{1,253}$)([a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/;

const redirectSpec = object(
  {
    scheme: choice('Scheme of the new address.', ['http', 'https']).optional(),
    host: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a host`) })
      .regex(hostPattern, {
        error: (issue) => say('bad_format', `${shown(issue.input)} is not a host (lower case, no port)`),
      })
      .optional()
      .describe('Host of the new address; absent: the one that was asked.'),
    port: port
      .optional()
      .describe(
        'Port of the new address; absent: the usual one where scheme is given, else the one that was asked.',
      ),
    path: pathChange.optional(),
    status: z
      .number({
        error: (issue) => say('wrong_type', `${shown(issue.input)} is not a status (a whole number)`),
      })
      .refine((status) => statuses.includes(status), {
        error: (issue) => say('bad_format', `${shown(issue.input)} is not one of ${statuses.join(', ')}`),
      })
      .default(302)
      .describe('301 and 308 are remembered; 307 and 308 keep method and body.'),
  },
  'Sends the client to another address; no upstream is asked. The query is kept.',
).superRefine(({ scheme, host, port: number, path }, context) => {
  if ([scheme, host, number, path].some((part) => part !== undefined)) return;
  const message = say('missing', 'needs scheme, host, port or path', 'else it leads to itself');
  context.addIssue({ code: 'custom', message });
});

export type RedirectSpec = z.output<typeof redirectSpec>;

export const redirectFilter: FilterKind<typeof redirectSpec> = {
  key: 'redirect',
  spec: redirectSpec,
  phase: 'answer',
  mayRepeat: false,
  answerStatus: ({ status }) => status,
  summary: ({ status }) => `redirect ${status}`,
};
