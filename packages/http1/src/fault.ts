/** Why a message cannot be read: a code to act on, and a sentence for the log. One object each, made once. */

export type FaultCode =
  /** Broken or ambiguous. A request is answered 400, a response becomes 502; the connection ends either way. */
  | 'malformed'
  /** The head has more bytes than allowed (431), or the trailer section has (400). */
  | 'head_too_large'
  /** More fields than allowed (431). */
  | 'too_many_fields'
  /** 414. */
  | 'target_too_long'
  /** A well-formed version that is neither 1.0 nor 1.1 (505). */
  | 'version_not_supported'
  /** A transfer coding other than chunked (501). */
  | 'not_implemented'
  /** The connection ended within a message. */
  | 'incomplete';

export interface Fault {
  readonly code: FaultCode;
  readonly detail: string;
}

export const faults = {
  emptyLines: malformed('Too many empty lines before the request line.'),
  method: malformed('The method is not a token of upper-case letters, digits and marks.'),
  target: malformed('The request-target holds a byte that it must not, or no version follows it.'),
  targetForm: malformed('The request-target has no form that this method allows.'),
  targetAuthority: malformed('The authority of the request-target is no host with an optional port.'),
  version: malformed('The HTTP version is not written HTTP/DIGIT.DIGIT.'),
  status: malformed('The status is not three digits from 100 to 599.'),
  reason: malformed('The reason phrase holds a byte that it must not.'),
  lineEnd: malformed('A line does not end in CRLF.'),
  fold: malformed('A field line begins with a blank.'),
  fieldName: malformed('A field name is not a token that a colon follows.'),
  fieldValue: malformed('A field value holds a control byte.'),
  hostMissing: malformed('HTTP/1.1 needs a Host.'),
  hostTwice: malformed('Host is given twice.'),
  host: malformed('Host is no host with an optional port.'),
  hostMismatch: malformed('Host and the authority of the request-target differ.'),
  length: malformed('Content-Length is not one decimal number within bounds.'),
  lengthTwice: malformed('Content-Length is given twice.'),
  lengthAndCoding: malformed('Content-Length and Transfer-Encoding exclude each other.'),
  coding: malformed('Transfer-Encoding is not chunked, once.'),
  codingInOldVersion: malformed('Transfer-Encoding needs HTTP/1.1.'),
  bodyForbidden: malformed('A status that has no body announces one.'),
  switchUnasked: malformed('The upstream switches protocols though nobody asked for it.'),
  informationalMany: malformed('Too many informational responses.'),
  chunkSize: malformed('A chunk size is not 1 to 16 hexadecimal digits within bounds.'),
  chunkExtension: malformed('A chunk extension is malformed.'),
  chunkExtensionBytes: malformed('The chunk extensions of a body are too long.'),
  chunkEnd: malformed('A chunk does not end in CRLF where its size says.'),
  trailerName: malformed('The trailers hold a field that is for heads only.'),
  unexpected: malformed('Bytes arrived that belong to no message.'),
  targetTooLong: { code: 'target_too_long', detail: 'The request-target is too long.' },
  headTooLarge: { code: 'head_too_large', detail: 'The head or the trailer section is too large.' },
  tooManyFields: { code: 'too_many_fields', detail: 'The message has too many fields.' },
  versionNotSupported: {
    code: 'version_not_supported',
    detail: 'Only HTTP/1.1 and HTTP/1.0 are spoken here.',
  },
  codingUnknown: { code: 'not_implemented', detail: 'No transfer coding but chunked is supported.' },
  incomplete: { code: 'incomplete', detail: 'The connection ended within a message.' },
} as const satisfies Record<string, Fault>;

function malformed(detail: string): Fault {
  return { code: 'malformed', detail };
}
