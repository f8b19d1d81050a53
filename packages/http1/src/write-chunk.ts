/** Chunked bodies as text of one character a byte (RFC 9112 section 7.1). */

/** What follows the data of every chunk. */
export const chunkEnd = '\r\n';

/** The end of a body, without trailers. */
export const lastChunk = '0\r\n\r\n';

/** What precedes the data of a chunk of so many bytes; `chunkEnd` follows the data. @throws RangeError on 0, which would end the body */
export function chunkStart(dataBytes: number): string {
  if (dataBytes === 0) throw new RangeError('a chunk without data would end the body');
  return `${dataBytes.toString(16)}\r\n`;
}
