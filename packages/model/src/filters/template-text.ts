import { z } from 'zod';
import { say, shown } from '../fields.ts';
import { parseTemplate } from '../template.ts';

interface TemplateTextOptions {
  description: string;
  lengthMax: number;
  /** What the literal text must be made of. */
  pattern?: RegExp;
  /** What is wrong with a text that is not, as the end of a sentence. */
  patternFault?: string;
}

/** A field whose text may hold `${...}`; a bad variable is named with its place. */
export function templateText({
  description,
  lengthMax,
  pattern,
  patternFault,
}: TemplateTextOptions): z.ZodString {
  return z
    .string({
      error: (issue) => say('wrong_type', `${shown(issue.input)} is not a text`, 'put it in quotes'),
    })
    .max(lengthMax, { error: () => say('out_of_range', `longer than ${lengthMax} characters`), abort: true })
    .superRefine((text, context) => {
      if (pattern !== undefined && !pattern.test(text)) {
        context.addIssue({ code: 'custom', message: say('bad_format', `${shown(text)} ${patternFault}`) });
        return;
      }
      const parsed = parseTemplate(text);
      if ('parts' in parsed) return;
      const { detail, hint } = parsed.fault;
      context.addIssue({ code: 'custom', message: say('bad_format', detail, hint) });
    })
    .describe(description);
}
