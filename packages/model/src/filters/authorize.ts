import { z } from 'zod';
import { cidr, line, list, literalPath, method, name, object, oneOf, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const entriesMax = 256;
const rulesMax = 64;
const claimsMax = 16;

/** An empty list could be read as everybody or as nobody, so there is none. */
function given<T extends z.ZodType>(item: T, description: string) {
  return list(item, { description, max: entriesMax, min: 1, key: '' }).optional();
}

const consumer = line(
  'the name of a Consumer, or "provider/value"',
  'Consumer, or provider/value.',
  1024,
).superRefine((text, context) => {
  const slash = text.indexOf('/');
  const own = slash < 0 ? text : text.slice(0, slash);
  if (name.safeParse(own).success && slash !== text.length - 1) return;
  const detail = `${shown(text)} is neither the name of a Consumer nor "provider/value"`;
  context.addIssue({ code: 'custom', message: say('bad_format', detail) });
});

/** Exact, or whole segments with `/*` at the end. */
const rulePath = z
  .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a path`) })
  .superRefine((text, context) => {
    const literal = text.endsWith('/*') ? text.slice(0, -1) : text;
    const judged = literalPath.safeParse(literal);
    const isBad = !judged.success || literal.includes('*');
    if (!isBad) return;
    const detail = `${shown(text)} is not a path: "/a" is that path alone, "/a/*" that path and all below it`;
    context.addIssue({ code: 'custom', message: say('bad_format', detail) });
  })
  .describe('"/a": that canonical path alone; "/a/*": /a and all below it.');

const claimValue = z.union(
  [z.string(), z.number(), z.boolean()].map((schema) => schema) as [z.ZodString, z.ZodNumber, z.ZodBoolean],
  { error: (issue) => say('wrong_type', `${shown(issue.input)} is not a text, a number, true or false`) },
);

const claims = z
  .record(z.string().min(1).max(256), z.union([claimValue, z.array(claimValue).min(1).max(entriesMax)]), {
    error: (issue) =>
      say('wrong_type', `${shown(issue.input)} is not a mapping of claims to a value or a list of values`),
  })
  .superRefine((map, context) => {
    const count = Object.keys(map).length;
    if (count > 0 && count <= claimsMax) return;
    context.addIssue({ code: 'custom', message: say('out_of_range', `1 to ${claimsMax} claims`) });
  })
  .describe(
    'Claim, a dotted path, to a value or a list of accepted values; all of the claims must hold. Of a claim that is a list one value suffices.',
  )
  .optional();

const condition = object(
  {
    consumers: given(
      consumer,
      'One of these: names of Consumers in the namespace of this object, or provider/value.',
    ),
    groups: given(line('a group', 'Group.', 256), 'In one of these groups.'),
    scopes: given(line('a scope', 'Scope.', 256), 'With all of these scopes.'),
    claims,
    methods: given(method, 'By one of these methods.'),
    paths: given(rulePath, 'To one of these canonical paths.'),
    addresses: given(cidr, 'From one of these networks.'),
  },
  'What must hold; all that is given. {} is everybody.',
);

const authorizeSpec = object(
  {
    rules: list(
      oneOf(
        {
          allow: condition.optional().describe('Lets the request pass.'),
          deny: condition.optional().describe('Refuses it.'),
        },
        'A rule.',
        {},
      ),
      {
        description: 'The first that holds decides; where none does the request is refused, 403 forbidden.',
        min: 1,
        max: rulesMax,
      },
    ),
  },
  'Who may do what, once authentication filters have found out who it is.',
);

export type AuthorizeSpec = z.output<typeof authorizeSpec>;
export type AuthorizeCondition = NonNullable<AuthorizeSpec['rules'][number]['allow']>;

export const authorizeFilter: FilterKind<typeof authorizeSpec> = {
  key: 'authorize',
  spec: authorizeSpec,
  phase: 'authorization',
  mayRepeat: true,
  mayBeShadowed: true,
  summary: ({ rules }) => `authorize ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`,
};
