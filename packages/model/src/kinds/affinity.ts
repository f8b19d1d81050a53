import { z } from 'zod';
import { choice, duration, line, object, oneOf, say, serverName, shown } from '../fields.ts';
import { source } from '../source.ts';

export const cookieName = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a cookie name`) })
  // RFC 6265 section 4.1.1.
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, {
    error: (issue) => say('bad_format', `${shown(issue.input)} is not a cookie name`),
  });

const cookie = object(
  {
    name: cookieName.default('causeway-affinity').describe('Name of the cookie.'),
    ttl: duration
      .default('0s')
      .describe('How long the client keeps it, in whole seconds; 0s = until it is closed.'),
    path: line('a path', 'Path of the cookie.', 256)
      .regex(/^\/[^;\s]*$/, {
        error: (issue) => say('bad_format', `${shown(issue.input)} is not a path of a cookie`),
      })
      .default('/'),
    sameSite: choice(
      'When browsers send it along from other sites. None needs a client that came over TLS.',
      ['Lax', 'Strict', 'None'],
    ).default('Lax'),
    domain: serverName.optional().describe('Domain of the cookie; absent = the host that was asked.'),
  },
  'A cookie that the gateway issues: signed, HttpOnly, Secure over TLS. It names no address.',
).superRefine(({ name, path, domain }, context) => {
  // What browsers promise of such names (draft-ietf-httpbis-rfc6265bis section 4.1.3).
  if (!/^__host-/i.test(name) || (path === '/' && domain === undefined)) return;
  const message = say(
    'not_allowed_here',
    'browsers take a cookie whose name begins with __Host- only with path / and without domain',
  );
  context.addIssue({ code: 'custom', path: ['name'], message });
});

/** How requests that belong together are recognised. */
export const affinity = oneOf(
  {
    cookie: cookie.optional(),
    by: source
      .optional()
      .describe('a value that requests have of their own; without it there is no affinity'),
  },
  'Requests that belong together go to the same one, as long as it is fit for them. Absent: none.',
  {},
);

export type Affinity = z.output<typeof affinity>;
