import { z } from 'zod';
import { flag, object, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

/** What stands between quotes as it is (RFC 9110 section 5.6.4). */
const realmPattern = /^[\u0020\u0021\u0023-\u005b\u005d-\u007e]{1,256}$/;

const basicAuthSpec = object(
  {
    realm: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a realm`) })
      .regex(realmPattern, {
        error: (issue) =>
          say(
            'bad_format',
            `${shown(issue.input)} is not a realm: 1 to 256 printable ASCII characters but " and \\`,
          ),
      })
      .default('causeway')
      .describe('What the user is asked to log in to.'),
    optional: flag('true: who shows no password is anonymous; a bad one is refused all the same.').default(
      false,
    ),
    forwardCredentials: flag('true: the upstream gets user name and password too.').default(false),
  },
  'Lets in Consumers by user name and password (RFC 7617).',
);

export type BasicAuthSpec = z.output<typeof basicAuthSpec>;

export const basicAuthFilter: FilterKind<typeof basicAuthSpec> = {
  key: 'basicAuth',
  spec: basicAuthSpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: ({ realm, optional }) => `basicAuth ${realm}${optional ? ' optional' : ''}`,
};
