import type { z } from 'zod';
import { duration, flag, headerName, list, method, object, say } from '../fields.ts';
import { origin } from '../origin.ts';
import type { FilterKind } from './filter-kind.ts';

const entriesMax = 64;
const any = '*';

function aloneComplaint(entries: readonly string[]): string | undefined {
  if (!entries.includes(any) || entries.length === 1) return undefined;
  return say('exclusive', '"*" is everything, so nothing stands beside it', 'write ["*"], or remove it');
}

/** A list of names or `*`. */
function names<T extends z.ZodType<string>>(item: T, description: string) {
  return list(item, { description, max: entriesMax, key: '' }).superRefine((entries, context) => {
    const message = aloneComplaint(entries);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

const corsSpec = object(
  {
    allowOrigins: list(origin, {
      description:
        'Origins whose pages may read responses: exact, https://*.example.com (one or more labels), or "*" for all, which excludes allowCredentials.',
      max: entriesMax,
      min: 1,
      key: '',
    }).superRefine((entries, context) => {
      const message = aloneComplaint(entries);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }),
    allowMethods: names(method, 'Methods that pages may use; "*" = every method of the Route.')
      .min(1, { error: () => say('out_of_range', 'needs at least 1 entry') })
      .default(['GET', 'HEAD', 'POST']),
    allowHeaders: names(
      headerName,
      'Request headers that pages may send besides the simple ones; "*" = whatever they ask for.',
    ).default([]),
    exposeHeaders: names(
      headerName,
      'Response headers that pages may read besides the simple ones; "*" = all, which excludes allowCredentials.',
    ).default([]),
    allowCredentials: flag(
      'Pages may send cookies and other credentials, and read what comes of it.',
    ).default(false),
    maxAge: duration.default('10m').describe('How long browsers may remember the answer to a preflight.'),
  },
  'What pages of other origins may do (Fetch standard, section 3.3). Answers preflights itself, and takes the place of the access-control headers of upstreams.',
).superRefine(({ allowOrigins, exposeHeaders, allowCredentials }, context) => {
  if (!allowCredentials) return;
  const complain = (field: string, detail: string, hint: string) =>
    context.addIssue({ code: 'custom', path: [field], message: say('exclusive', detail, hint) });
  if (allowOrigins.includes(any))
    complain(
      'allowOrigins',
      '"*" with allowCredentials would let every page act for its visitors',
      'list the origins, or remove allowCredentials',
    );
  if (exposeHeaders.includes(any))
    complain('exposeHeaders', 'browsers do not take "*" together with credentials', 'list the headers');
});

export type CorsSpec = z.output<typeof corsSpec>;

export const corsFilter: FilterKind<typeof corsSpec> = {
  key: 'cors',
  spec: corsSpec,
  phase: 'cors',
  mayRepeat: false,
  answersPreflights: true,
  summary: ({ allowOrigins: [first = '', ...others] }) =>
    others.length === 0 ? `cors ${first}` : `cors ${first} and ${others.length} more`,
};
