// A parser of HTTP/1.1 requests for tests: what a gateway sends to an upstream must be exactly right, and unambiguous.

import { type HeaderLine, headerValues, malformed, readDeclaredBody, readHead } from './raw-message.ts';

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** Every header line in order, names as they came. */
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer;
  readonly trailers: readonly HeaderLine[];
}

/** Origin-form or an asterisk. Only whole escapes in the path, of whose spelling there must be no doubt; a query is opaque. */
const requestLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/(?:[!-"$&->@-~]|%[0-9A-Fa-f]{2})*(?:\?[!-"$-~]*)?|\*) HTTP\/1\.1$/;

/** The first request in `bytes` and how many bytes it took; `undefined` when it is not complete. Throws on bad bytes. */
export function parseRequest(bytes: Buffer): { request: RawRequest; bytesUsed: number } | undefined {
  const start = parseRequestHead(bytes);
  if (start === undefined) return undefined;
  const { end, ...head } = start;
  const declared = readDeclaredBody(bytes, end, head.headers);
  if (declared === 'incomplete') return undefined;
  if (declared === 'undeclared') {
    return { request: { ...head, body: Buffer.alloc(0), trailers: [] }, bytesUsed: end };
  }
  const { body, trailers } = declared;
  return { request: { ...head, body, trailers }, bytesUsed: declared.end };
}

/** The head of the first request, whether or not its body has come, and where it ends. */
export function parseRequestHead(
  bytes: Buffer,
): (Pick<RawRequest, 'method' | 'target' | 'headers'> & { end: number }) | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const [, method = '', target = ''] = requestLine.exec(head.first) ?? malformed('request line', head.first);
  if (headerValues(head, 'host').length !== 1)
    malformed('host', headerValues(head, 'host').join() || 'missing');
  return { method, target, headers: head.headers, end: head.end };
}
