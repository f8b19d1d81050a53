/** How a client says that it speaks HTTP/2 without having asked (RFC 9113 section 3.4). */

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Whether `bytes`, the first of a connection, are those of HTTP/2 as far as they go. What stands behind the preface is not looked at. */
export function isHttp2Start(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, preface.length);
  return length > 0 && preface.compare(bytes, 0, length, 0, length) === 0;
}

const nothing = Buffer.alloc(0);

/** The first bytes of a connection, with those that follow; empty when they are not the start of HTTP/2. */
export function startWith(first: Buffer, next: Buffer): Buffer {
  const start = Buffer.concat([first, next]);
  return isHttp2Start(start) ? start : nothing;
}
