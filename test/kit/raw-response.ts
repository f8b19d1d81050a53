// A parser of HTTP/1.1 responses for tests: it takes only what is exactly right, so that a gateway's slip is an error here.

export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Every header line in order, names as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
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
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
const headBytesMax = 64 * 1024;

/** The first response in `bytes` and how many bytes it took; `undefined` when it is not complete. Throws on bad bytes. */
export function parseResponse(
  bytes: Buffer,
  options: ParseOptions = {},
): { response: RawResponse; bytesUsed: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (bytes.length > headBytesMax) throw new Error(`no end of the head within ${headBytesMax} bytes`);
    return undefined;
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [, version = '', status = '', reason = ''] =
    statusLine.exec(first) ?? malformed('status line', first);
  const headers = lines.map(parseHeader);
  const body = parseBody(bytes, headEnd + 4, headers, Number(status), options);
  if (body === undefined) return undefined;
  const { bytesUsed, ...rest } = body;
  return { response: { version, status: Number(status), reason, headers, ...rest }, bytesUsed };
}

/** The values of a header, in order, whatever the case of its name. */
export function headerValues(message: Pick<RawResponse, 'headers'>, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([known]) => known.toLowerCase() === wanted).map(([, value]) => value);
}

type Body = Pick<RawResponse, 'body' | 'trailers' | 'untilClose'> & { bytesUsed: number };

/** The order of the cases is that of RFC 9112 section 6.3. */
function parseBody(
  bytes: Buffer,
  start: number,
  headers: RawResponse['headers'],
  status: number,
  { head = false, ended = false }: ParseOptions,
): Body | undefined {
  const nothing = { body: Buffer.alloc(0), trailers: [], untilClose: false, bytesUsed: start };
  if (head || status < 200 || status === 204 || status === 304) return nothing;
  const codings = headerValues({ headers }, 'transfer-encoding');
  const lengths = headerValues({ headers }, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) malformed('framing', 'both transfer-encoding and content-length');
    if (codings.join() !== 'chunked') malformed('transfer-encoding', codings.join());
    return parseChunks(bytes, start);
  }
  if (lengths.length === 0) {
    return ended
      ? { ...nothing, body: bytes.subarray(start), untilClose: true, bytesUsed: bytes.length }
      : undefined;
  }
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(length)) malformed('content-length', lengths.join());
  const end = start + Number(length);
  return bytes.length < end ? undefined : { ...nothing, body: bytes.subarray(start, end), bytesUsed: end };
}

function parseChunks(bytes: Buffer, start: number): Body | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString('latin1', at, lineEnd);
    if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) malformed('chunk size', line);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < at + size + 2) return undefined;
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n')
      malformed('chunk', 'no CRLF after its data');
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  const trailers: [string, string][] = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString('latin1', at, lineEnd);
    at = lineEnd + 2;
    if (line === '') return { body: Buffer.concat(parts), trailers, untilClose: false, bytesUsed: at };
    trailers.push(parseHeader(line));
  }
}

function parseHeader(line: string): [string, string] {
  const [, name = '', value = ''] = headerLine.exec(line) ?? malformed('header line', line);
  return [name, value];
}

function malformed(part: string, found: string): never {
  throw new Error(`malformed ${part}: ${JSON.stringify(found.slice(0, 200))}`);
}
