import { z } from 'zod';
import { choice, list, object, say, shown, sizeWithin } from '../fields.ts';
import { parseJsonPointer } from '../json-pointer.ts';
import { parseTemplate } from '../template.ts';
import type { FilterKind } from './filter-kind.ts';

const opsMax = 64;
const valueLengthMax = 16_384;

function pointer(description: string) {
  return z
    .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a JSON Pointer`) })
    .max(1024, { error: () => say('out_of_range', 'longer than 1024 characters'), abort: true })
    .superRefine((text, context) => {
      if (parseJsonPointer(text) !== undefined) return;
      const message = say('bad_format', `${shown(text)} is not a JSON Pointer`, 'write it as in /a/b/0');
      context.addIssue({ code: 'custom', message });
    })
    .describe(description);
}

const jsonOp = object(
  {
    op: choice(
      'add puts a member in, or an entry before that of the number (`-` = behind the last); replace changes what is there; move and copy take it from elsewhere.',
      ['add', 'remove', 'replace', 'move', 'copy'],
    ),
    path: pointer('JSON Pointer (RFC 6901) of the place that is changed.'),
    from: pointer('Of move and copy: JSON Pointer of the place that is taken.').optional(),
    value: z
      .json()
      .optional()
      .describe(
        'Of add and replace: any JSON. Each text in it is a template; without a part of it nothing is changed.',
      ),
  },
  'A change, as in JSON Patch (RFC 6902).',
).superRefine((op, context) => {
  for (const { path, ...issue } of opFaults(op))
    context.addIssue({ code: 'custom', path, message: say(issue.code, issue.detail, issue.hint) });
});

interface Fault {
  readonly path: string[];
  readonly code: 'missing' | 'not_allowed_here' | 'bad_format' | 'out_of_range';
  readonly detail: string;
  readonly hint?: string;
}

function* opFaults({ op, path, from, value }: z.output<typeof jsonOp>): Generator<Fault> {
  const takes = op === 'move' || op === 'copy' ? 'from' : op === 'remove' ? undefined : 'value';
  for (const [field, given] of [
    ['from', from],
    ['value', value],
  ] as const) {
    if (field === takes && given === undefined)
      yield { path: [field], code: 'missing', detail: `${op} needs ${field}` };
    if (field !== takes && given !== undefined)
      yield { path: [field], code: 'not_allowed_here', detail: `${op} takes no ${field}` };
  }
  if (op === 'move' && from !== undefined && (path === from || path.startsWith(`${from}/`)))
    yield { path: ['path'], code: 'not_allowed_here', detail: 'cannot move something into itself' };
  if (op === 'remove' && path === '')
    yield {
      path: ['path'],
      code: 'not_allowed_here',
      detail: 'the whole document cannot be removed',
      hint: 'replace it',
    };
  if (value === undefined) return;
  if (JSON.stringify(value).length > valueLengthMax)
    yield { path: ['value'], code: 'out_of_range', detail: `longer than ${valueLengthMax} characters` };
  for (const { text } of textsIn(value)) {
    const parsed = parseTemplate(text);
    if ('fault' in parsed) yield { path: ['value'], code: 'bad_format', ...parsed.fault };
  }
}

/** Texts of a JSON value with their places, keys left out. */
export function* textsIn(
  value: unknown,
  at: readonly string[] = [],
): Generator<{ text: string; at: readonly string[] }> {
  if (typeof value === 'string') yield { text: value, at };
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, [...at, key]);
}

const ops = (description: string) => list(jsonOp, { description, max: opsMax }).default([]);

const transformJsonSpec = object(
  {
    request: ops('Changes of a request whose body is JSON, one after the other.'),
    response: ops("Changes of a response whose body is JSON, the gateway's own among them."),
    maxBodySize: sizeWithin({ min: '1B', max: '16MiB' })
      .default('1MiB')
      .describe('A larger request gets 413, a larger response becomes 502.'),
  },
  'Changes JSON bodies by operations like those of JSON Patch. One whose place is not there changes nothing.',
).superRefine(({ request, response }, context) => {
  if (request.length + response.length > 0) return;
  const message = say('missing', 'changes nothing', 'write request, response or both');
  context.addIssue({ code: 'custom', message });
});

export type TransformJsonSpec = z.output<typeof transformJsonSpec>;
export type JsonOpSpec = TransformJsonSpec['request'][number];

export const transformJsonFilter: FilterKind<typeof transformJsonSpec> = {
  key: 'transformJson',
  spec: transformJsonSpec,
  phase: 'transformation',
  mayRepeat: true,
  summary: ({ request, response }) => {
    const parts = [
      ...(request.length > 0 ? [`${request.length} of requests`] : []),
      ...(response.length > 0 ? [`${response.length} of responses`] : []),
    ];
    return `transformJson ${parts.join(', ')}`;
  },
};
