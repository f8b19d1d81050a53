import type { z } from 'zod';
import { integer, object, say } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { headerMap, isConnectionHeader } from './header-map.ts';
import { templateWords } from '../template.ts';
import { templateText } from './template-text.ts';

/** In characters. */
const bodyLengthMax = 65_536;
/** Responses of these statuses have no content (RFC 9110 sections 6.4.1 and 15.3.6). */
const bodilessStatuses = [204, 205, 304];

const headers = headerMap(
  'Header to value, a template. Without content-type: text/plain; charset=utf-8.',
  (name) => (isConnectionHeader(name) ? { detail: 'the node writes this header itself' } : undefined),
);

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
