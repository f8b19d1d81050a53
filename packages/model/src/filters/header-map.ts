import { z } from 'zod';
import { say, shown } from '../fields.ts';
import { templateText } from './template-text.ts';

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

export function isConnectionHeader(lowerName: string): boolean {
  return connectionHeaders.includes(lowerName);
}

const headerValue = templateText({
  description: 'Value of a header; one of whose variables is absent is not sent.',
  lengthMax: headerValueLengthMax,
  pattern: /^[\t\u0020-\u007e]*$/,
  patternFault: 'holds characters that no header may have (printable ASCII)',
});

/** A name of a header as a key of a map, of whatever case. */
export const headerKey = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, {
  error: (issue) => say('bad_format', `${shown(issue.input)} is not a header name`),
});

export interface HeaderComplaint {
  detail: string;
  hint?: string;
}

/** Why a header of that name, in lower case, may not stand here. */
export type HeaderRule = (lowerName: string) => HeaderComplaint | undefined;

/** Header to template. No name may stand twice, whatever its case. */
export function headerMap(description: string, rule: HeaderRule) {
  return headerRecord(headerValue, description, rule);
}

/** A map whose keys are headers. */
export function headerRecord<V extends z.ZodType>(value: V, description: string, rule: HeaderRule) {
  return z
    .record(headerKey, value, {
      error: (issue) => say('wrong_type', `${shown(issue.input)} is not a mapping of headers`),
    })
    .superRefine((map, context) => {
      const complain = (path: string[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      const names = Object.keys(map);
      if (names.length > headersMax) complain([], say('out_of_range', `more than ${headersMax} headers`));
      for (const [index, name] of names.entries()) {
        const lower = name.toLowerCase();
        const complaint = rule(lower);
        if (complaint !== undefined)
          complain([name], say('not_allowed_here', complaint.detail, complaint.hint));
        if (names.findIndex((other) => other.toLowerCase() === lower) < index)
          complain([name], say('duplicate', 'the same header twice'));
      }
    })
    .default({})
    .describe(description);
}
