// A parser of HTTP/1.1 responses for tests: it takes only what is exactly right, so that a gateway's slip is an error here.

import { type HeaderLine, malformed, readDeclaredBody, readHead } from './raw-message.ts';

export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Every header line in order, names as they came. */
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer;
  readonly trailers: readonly HeaderLine[];
  /** The body's end was the end of the connection. */
  readonly untilClose: boolean;
}

export interface ParseOptions {
  /** The request was a HEAD: no body whatever the headers say. */
  head?: boolean;
  /** No more bytes will come. */
  ended?: boolean;
}

const statusLine = /^HTTP\/(1\.[01]) ([1-5][0-9]{2}) ([\t\x20-\x7e]*)$/;

/** The first response in `bytes` and how many bytes it took; `undefined` when it is not complete. Throws on bad bytes. */
export function parseResponse(
  bytes: Buffer,
  options: ParseOptions = {},
): { response: RawResponse; bytesUsed: number } | undefined {
  const start = parseResponseHead(bytes);
  if (start === undefined) return undefined;
  const { version, status, reason, headers } = start;
  const body = parseBody(bytes, start, options);
  if (body === undefined) return undefined;
  const { bytesUsed, ...rest } = body;
  return { response: { version, status, reason, headers, ...rest }, bytesUsed };
}

/** The head of the first response, whether or not its body has come, and where it ends. */
export function parseResponseHead(
  bytes: Buffer,
): (Pick<RawResponse, 'version' | 'status' | 'reason' | 'headers'> & { end: number }) | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const [, version = '', status = '', reason = ''] =
    statusLine.exec(head.first) ?? malformed('status line', head.first);
  return { version, status: Number(status), reason, headers: head.headers, end: head.end };
}

type Body = Pick<RawResponse, 'body' | 'trailers' | 'untilClose'> & { bytesUsed: number };

function parseBody(
  bytes: Buffer,
  { status, headers, end }: { status: number; headers: readonly HeaderLine[]; end: number },
  { head = false, ended = false }: ParseOptions,
): Body | undefined {
  const nothing = { body: Buffer.alloc(0), trailers: [], untilClose: false, bytesUsed: end };
  if (head || status < 200 || status === 204 || status === 304) return nothing;
  const declared = readDeclaredBody(bytes, end, headers);
  if (declared === 'incomplete') return undefined;
  if (declared !== 'undeclared') {
    return { body: declared.body, trailers: declared.trailers, untilClose: false, bytesUsed: declared.end };
  }
  return ended
    ? { ...nothing, body: bytes.subarray(end), untilClose: true, bytesUsed: bytes.length }
    : undefined;
}
