// What requests and responses have in common on the wire, for test parsers that take only what is exactly right.

export type HeaderLine = readonly [name: string, value: string];

const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const headBytesMax = 64 * 1024;

/** The lines of the head at the beginning of `bytes`; `undefined` when it is not complete. Throws when it is too long. */
export function readHead(bytes: Buffer): { first: string; headers: HeaderLine[]; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (bytes.length > headBytesMax) throw new Error(`no end of the head within ${headBytesMax} bytes`);
    return undefined;
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  return { first, headers: lines.map(parseHeader), end: headEnd + 4 };
}

/** The values of a header, in order, whatever the case of its name. */
export function headerValues(message: { readonly headers: readonly HeaderLine[] }, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([known]) => known.toLowerCase() === wanted).map(([, value]) => value);
}

export interface Body {
  readonly body: Buffer;
  readonly trailers: readonly HeaderLine[];
  /** Where the next message begins. */
  readonly end: number;
}

/**
 * The body at `start` that the headers declare: `incomplete` when bytes are missing, `undeclared` when they say nothing. The order
 * of the cases is that of RFC 9112 section 6.3; a message with two framings throws.
 */
export function readDeclaredBody(
  bytes: Buffer,
  start: number,
  headers: readonly HeaderLine[],
): Body | 'incomplete' | 'undeclared' {
  const codings = headerValues({ headers }, 'transfer-encoding');
  const lengths = headerValues({ headers }, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) malformed('framing', 'both transfer-encoding and content-length');
    if (codings.join() !== 'chunked') malformed('transfer-encoding', codings.join());
    return readChunks(bytes, start) ?? 'incomplete';
  }
  if (lengths.length === 0) return 'undeclared';
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(length)) malformed('content-length', lengths.join());
  const end = start + Number(length);
  return bytes.length < end ? 'incomplete' : { body: bytes.subarray(start, end), trailers: [], end };
}

function readChunks(bytes: Buffer, start: number): Body | undefined {
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
  const trailers: HeaderLine[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString('latin1', at, lineEnd);
    at = lineEnd + 2;
    if (line === '') return { body: Buffer.concat(parts), trailers, end: at };
    trailers.push(parseHeader(line));
  }
}

function parseHeader(line: string): HeaderLine {
  const [, name = '', value = ''] = headerLine.exec(line) ?? malformed('header line', line);
  return [name, value];
}

export function malformed(part: string, found: string): never {
  throw new Error(`malformed ${part}: ${JSON.stringify(found.slice(0, 200))}`);
}
