import { z } from 'zod';
import { line, object, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

const time = (description: string) =>
  z
    .string({
      error: (issue) =>
        say('wrong_type', `${shown(issue.input)} is not a time (RFC 3339)`, 'put it in quotes'),
    })
    .refine((text) => timePattern.test(text) && !Number.isNaN(Date.parse(text)), {
      error: (issue) =>
        say(
          'bad_format',
          `${shown(issue.input)} is not a time (RFC 3339)`,
          'write it like 2027-06-30T00:00:00Z',
        ),
    })
    .optional()
    .describe(description);

const linkPattern = /^https?:\/\/[!-~]+$/;

const versionSpec = object(
  {
    current: line('a version', 'The version that answers here; responses carry it as api-version.', 64).regex(
      /^[!-~]+$/,
      {
        error: (issue) =>
          say('bad_format', `${shown(issue.input)} is not a version (printable ASCII, no blanks)`),
      },
    ),
    deprecatedAt: time('Since when nobody should begin to use it: Deprecation (RFC 9745).'),
    sunsetAt: time('When it goes away: Sunset (RFC 8594). From then on requests are refused, 410 gone.'),
    link: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a URL`) })
      .max(2048, { error: () => say('out_of_range', 'longer than 2048 characters') })
      .refine((text) => linkPattern.test(text) && !/[<>"]/.test(text) && URL.canParse(text), {
        error: (issue) => say('bad_format', `${shown(issue.input)} is not a URL (http or https)`),
      })
      .optional()
      .describe('Page that tells what to do about it.'),
  },
  'Tells clients about the version that they use. Choosing one is the work of matches.',
).superRefine(({ deprecatedAt, sunsetAt, link }, context) => {
  const complain = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (link !== undefined && deprecatedAt === undefined && sunsetAt === undefined)
    complain(
      'link',
      say('not_allowed_here', 'tells of a version that goes away', 'write deprecatedAt or sunsetAt'),
    );
  // RFC 9745 section 4.
  if (deprecatedAt !== undefined && sunsetAt !== undefined && Date.parse(sunsetAt) < Date.parse(deprecatedAt))
    complain('sunsetAt', say('out_of_range', 'earlier than deprecatedAt'));
});

export type VersionSpec = z.output<typeof versionSpec>;

export const versionFilter: FilterKind<typeof versionSpec> = {
  key: 'version',
  spec: versionSpec,
  phase: 'version',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: ({ current }) => `version ${current}`,
};
