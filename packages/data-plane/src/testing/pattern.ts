/** Bytes that tell where they belong: a piece that was moved, lost or written over is no part of them any more. */

/** No two stretches of four bytes are alike. */
export function patternOf(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(Math.imul(at + seed, 0x9e3779b1) >>> 0, at);
  return bytes.subarray(0, length);
}
