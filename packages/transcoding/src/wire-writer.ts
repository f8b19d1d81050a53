/** Bytes of protobuf messages, put one behind the other (https://protobuf.dev/programming-guides/encoding/). */

const startBytes = 4096;
/** Memory beyond that is let go when a message is done. */
const keptBytesMax = 1024 * 1024;

export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written since it was taken last, as bytes of its own. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.drop();
    return taken;
  }

  drop(): void {
    this.#length = 0;
    if (this.#bytes.length > keptBytesMax) this.#bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** Forgets what was written since its length was this. */
  rewind(length: number): void {
    this.#length = length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned number below 2^32. */
  uint32(value: number): void {
    this.#reserve(5);
    this.#length = putVarint(this.#bytes, this.#length, value);
  }

  /** A number of 64 bits in two halves, the sign extended into the upper one. */
  varint64(low: number, high: number): void {
    if (high === 0) {
      this.uint32(low >>> 0);
      return;
    }
    this.#reserve(10);
    let lower = low >>> 0;
    let upper = high >>> 0;
    while (upper > 0) {
      this.#bytes[this.#length++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    this.#length = putVarint(this.#bytes, this.#length, lower);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32LE(value >>> 0, this.#length);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** With its length before it. */
  string(text: string): void {
    // A UTF-16 unit takes three bytes at most.
    const most = text.length * 3;
    this.#reserve(most + 5);
    if (most < 0x80) {
      const written = this.#ascii(text) ? text.length : this.#bytes.write(text, this.#length + 1);
      this.#bytes[this.#length] = written;
      this.#length += written + 1;
      return;
    }
    this.uint32(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Hot path: most texts are short and ASCII, for which a call out of JavaScript takes longer. False: it is none. */
  #ascii(text: string): boolean {
    const start = this.#length + 1;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      this.#bytes[start + at] = code;
    }
    return true;
  }

  /** With their length before them. */
  bytes(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What follows until `end` gets its length before it. */
  begin(): number {
    this.byte(0);
    return this.#length - 1;
  }

  end(start: number): void {
    const length = this.#length - start - 1;
    if (length < 0x80) {
      this.#bytes[start] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.#reserve(more);
    this.#bytes.copyWithin(start + 1 + more, start + 1, this.#length);
    putVarint(this.#bytes, start, length);
    this.#length += more;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
