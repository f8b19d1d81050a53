/** Chunked bodies as bytes (RFC 9112 section 7.1). */

import { Buffer } from 'node:buffer';

import { checkName, encodeLines } from './write-head.ts';

/** What follows the data of every chunk. */
export const chunkEnd = '\r\n';

const bareLastChunk = Buffer.from('0\r\n\r\n', 'latin1');

/** What precedes the data of a chunk of so many bytes; `chunkEnd` follows the data. 0 would end the body. */
export function chunkStart(dataBytes: number): string {
  if (dataBytes === 0) throw new RangeError('a chunk without data would end the body');
  return `${dataBytes.toString(16)}\r\n`;
}

/** A whole chunk in one buffer: copying some KiB is cheaper than writing three pieces. Large data goes between start and end. */
export function wholeChunk(data: Uint8Array): Buffer {
  const start = chunkStart(data.length);
  const bytes = Buffer.allocUnsafe(start.length + data.length + 2);
  bytes.write(start, 0, 'latin1');
  bytes.set(data, start.length);
  bytes.write(chunkEnd, start.length + data.length, 'latin1');
  return bytes;
}

/** The end of a body. @throws AssertionError on trailers that hold control bytes, or fields that must not be there at all. */
export function lastChunk(trailers: readonly string[]): Buffer {
  if (trailers.length === 0) return bareLastChunk;
  let text = '0\r\n';
  for (let at = 0; at < trailers.length; at += 2) {
    checkName(trailers[at]!);
    text += `${trailers[at]}: ${trailers[at + 1]}\r\n`;
  }
  return encodeLines(`${text}\r\n`, 2 + trailers.length / 2);
}
