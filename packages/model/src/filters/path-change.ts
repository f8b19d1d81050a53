import { literalPath, oneOf } from '../fields.ts';
import { parseTemplate } from '../template.ts';
import { say, shown } from '../fields.ts';
import { templateText } from './template-text.ts';

const pathLengthMax = 2048;

const templatePath = templateText({
  description: 'Path with ${...} in it.',
  lengthMax: pathLengthMax,
}).superRefine((text, context) => {
  const parsed = parseTemplate(text);
  if (!('parts' in parsed)) return;
  // As if each variable were one letter: what stands around them must be a path.
  const sample = parsed.parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
  const isRooted = text.startsWith('/') && !sample.startsWith('//');
  if (isRooted && literalPath.safeParse(sample).success) return;
  const detail = `${shown(text)} is not a path: it begins with one "/", and characters that are none of a path are percent-encoded`;
  context.addIssue({ code: 'custom', message: say('bad_format', detail) });
});

const plainPath = literalPath.superRefine((text, context) => {
  if (!text.startsWith('//')) return;
  context.addIssue({ code: 'custom', message: say('bad_format', `${shown(text)} begins with two slashes`) });
});

/** What becomes of a path. */
export const pathChange = oneOf(
  {
    exact: plainPath.optional().describe('this path, whatever came'),
    prefix: plainPath
      .optional()
      .describe(
        "in place of what the Route's match took: its prefix, of a template what stands before {name...}, else the whole path",
      ),
    template: templatePath
      .optional()
      .describe(
        'this path; what stands for a part of the request is encoded, so that it is part of a segment',
      ),
  },
  'What becomes of the path.',
  {},
);
