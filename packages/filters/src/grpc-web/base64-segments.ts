/** Base64 that may be padded anywhere, as if it were several texts, and that comes in pieces cut anywhere. */

const perQuantum = 4;

export class Base64Segments {
  /** Characters of a quantum that has begun. */
  #rest = '';

  /** No quantum has begun. */
  get isWhole(): boolean {
    return this.#rest === '';
  }

  /** Undefined: it is no base64 (RFC 4648 section 4). */
  decode(piece: Uint8Array): Buffer | undefined {
    const text = this.#rest + Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    const end = text.length - (text.length % perQuantum);
    this.#rest = text.slice(end);
    return decodeQuanta(text.slice(0, end));
  }
}

function decodeQuanta(text: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe((text.length / perQuantum) * 3);
  let written = 0;
  let read = 0;
  for (const [segment] of text.matchAll(/[a-z0-9+/]+={0,2}/gi)) {
    // Of something else than these characters, or padding in the wrong place, some is left over.
    if (segment.length % perQuantum !== 0) return undefined;
    written += bytes.write(segment, written, 'base64');
    read += segment.length;
  }
  return read === text.length ? bytes.subarray(0, written) : undefined;
}
