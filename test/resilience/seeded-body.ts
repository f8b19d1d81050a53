// Bodies that are a function of a seed: whoever knows it can judge each byte by its place, without keeping any.

/** Largest body there is. */
export const bodyBytesMax = 8 << 20;
const blockBytes = 3 * bodyBytesMax;

/** Random bytes; every body is a stretch of them, so that a byte from elsewhere does not fit. */
const block = randomBlock();

/** The same bytes for the same seed; nobody may write into them. */
export function bodyOf(seed: number, length: number): Buffer {
  const start = (Math.imul(seed, 0x9e3779b1) >>> 0) % (blockBytes - bodyBytesMax);
  return block.subarray(start, start + length);
}

/** What is wrong with `piece` at `offset` of a body, or `undefined`. */
export function differenceIn(piece: Buffer, seed: number, offset: number): string | undefined {
  const wanted = bodyOf(seed, bodyBytesMax).subarray(offset, offset + piece.length);
  if (wanted.equals(piece)) return undefined;
  const at = wanted.findIndex((byte, index) => byte !== piece[index]);
  let last = piece.length - 1;
  while (last > at && wanted[last] === piece[last]) last -= 1;
  return `bytes ${offset + at} to ${offset + last} are not those of seed ${seed}${origin(piece.subarray(at, last + 1))}`;
}

/** Where bytes come from that should not be where they are. */
function origin(piece: Buffer): string {
  const known = block.indexOf(piece.subarray(0, 64));
  return known < 0 ? ', nor of any body' : `, but stand at ${known} of all bodies`;
}

function randomBlock(): Buffer {
  const words = new Uint32Array(blockBytes / 4);
  let state = 0x2545f491;
  for (let at = 0; at < words.length; at += 1) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return Buffer.from(words.buffer);
}
