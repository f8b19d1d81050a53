import { z } from 'zod';
import { integer, object, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { templateWords } from '../template.ts';
import { templateText } from './template-text.ts';

/** In characters. */
const bodyLengthMax = 65_536;
const headerValueLengthMax = 4096;
const headersMax = 64;

/** They belong to the connection or tell where the message ends, which is for the node to say. */
const connectionHeaders = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Responses of these statuses have no content (RFC 9110 sections 6.4.1 and 15.3.6). */
const bodilessStatuses = [204, 205, 304];

const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

const headerValue = templateText({
  description: 'Value of a header; one of whose variables is absent is not sent.',
  lengthMax: headerValueLengthMax,
  pattern: /^[\t\u0020-\u007e]*$/,
  patternFault: 'holds characters that no header may have (printable ASCII)',
});

const headers = z
  .record(
    z.string().regex(headerNamePattern, {
      error: (issue) => say('bad_format', `${shown(issue.input)} is not a header name`),
    }),
    headerValue,
    { error: (issue) => say('wrong_type', `${shown(issue.input)} is not a mapping of headers to values`) },
  )
  .superRefine((map, context) => {
    const complain = (
      key: string[],
      code: 'out_of_range' | 'not_allowed_here' | 'duplicate',
      detail: string,
    ) => context.addIssue({ code: 'custom', path: key, message: say(code, detail) });
    const names = Object.keys(map);
    if (names.length > headersMax) complain([], 'out_of_range', `more than ${headersMax} headers`);
    for (const [index, name] of names.entries()) {
      const lower = name.toLowerCase();
      if (connectionHeaders.includes(lower))
        complain([name], 'not_allowed_here', 'the node writes this header itself');
      if (names.findIndex((other) => other.toLowerCase() === lower) < index)
        complain([name], 'duplicate', 'the same header twice');
    }
  })
  .default({})
  .describe('Header to value, a template. Without content-type: text/plain; charset=utf-8.');

const respondSpec = object(
  {
    status: integer('a status', 'Status of the answer.', 200, 599).default(200),
    headers,
    body: templateText({
      description: `Body, a template: \${...} stands for a part of the request, as it is, and for nothing where it is absent; $\${ is a literal \${. Parts: ${templateWords.join(', ')}.`,
      lengthMax: bodyLengthMax,
    }).default(''),
  },
  'A fixed answer; no upstream is asked.',
).superRefine(({ status, body }, context) => {
  if (bodilessStatuses.includes(status) && body !== '') {
    const message = say(
      'not_allowed_here',
      `an answer of status ${status} has no body`,
      'remove it, or change the status',
    );
    context.addIssue({ code: 'custom', path: ['body'], message });
  }
});

export type RespondSpec = z.output<typeof respondSpec>;

export const respondFilter: FilterKind<typeof respondSpec> = {
  key: 'respond',
  spec: respondSpec,
  phase: 'answer',
  mayRepeat: false,
  answerStatus: ({ status }) => status,
  summary: ({ status }) => `respond ${status}`,
};
