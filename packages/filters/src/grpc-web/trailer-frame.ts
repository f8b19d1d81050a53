/** Trailers as gRPC-Web has them: the last frame of a body (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md). */

/** Of a frame: a byte of flags, of which the highest says that these are trailers, and four of length. */
const prefixBytes = 5;
const trailersFlag = 0x80;

/** `fields`: flat, byte strings. */
export function trailerFrame(fields: readonly string[]): Buffer {
  let text = '';
  for (let at = 0; at < fields.length; at += 2)
    text += `${fields[at]!.toLowerCase()}: ${fields[at + 1]!}\r\n`;
  const frame = Buffer.allocUnsafe(prefixBytes + text.length);
  frame[0] = trailersFlag;
  frame.writeUInt32BE(text.length, 1);
  frame.write(text, prefixBytes, 'latin1');
  return frame;
}
