/** Reads what protobuf writes (https://protobuf.dev/programming-guides/encoding/); throws a `TranscodingFault` where bytes are none of a message. */

import { isUtf8 } from 'node:buffer';

import { TranscodingFault } from './fault.ts';

export const wireTypes = {
  varint: 0,
  fixed64: 1,
  delimited: 2,
  startGroup: 3,
  endGroup: 4,
  fixed32: 5,
} as const;

const depthMax = 100;
const twoTo32 = 4_294_967_296;

export class WireReader {
  readonly #bytes: Buffer;
  at: number;
  readonly end: number;
  /** Upper half of the 64-bit number that was read last. */
  #high = 0;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** The place behind what has its length before it. */
  delimitedEnd(end: number): number {
    const length = this.uint32();
    if (length > end - this.at) throw damaged();
    return this.at + length;
  }

  /** The lower 32 bits of a varint, unsigned. */
  uint32(): number {
    const byte = this.#bytes[this.at]!;
    if (byte < 0x80 && this.at < this.end) {
      this.at += 1;
      return byte;
    }
    return this.#varint() >>> 0;
  }

  /** The lower 32 bits; the upper ones are kept in `#high`. */
  #varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw damaged();
      const byte = this.#bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#high = high;
        return low;
      }
    }
    throw damaged();
  }

  int64(): number | bigint {
    const low = this.#varint();
    return joined(low >>> 0, this.#high | 0);
  }

  uint64(): number | bigint {
    const low = this.#varint();
    return joined(low >>> 0, this.#high >>> 0);
  }

  sint64(): number | bigint {
    const low = this.#varint();
    const high = this.#high;
    const sign = -(low & 1);
    return joined((((low >>> 1) | (high << 31)) ^ sign) >>> 0, (high >>> 1) ^ sign);
  }

  bool(): boolean {
    const low = this.#varint();
    return low !== 0 || this.#high !== 0;
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#step(4));
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#step(4));
  }

  fixed64(): number | bigint {
    const at = this.#step(8);
    return joined(this.#bytes.readUInt32LE(at), this.#bytes.readUInt32LE(at + 4));
  }

  sfixed64(): number | bigint {
    const at = this.#step(8);
    return joined(this.#bytes.readUInt32LE(at), this.#bytes.readInt32LE(at + 4));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#step(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#step(8));
  }

  string(end: number, checksUtf8: boolean): string {
    const stop = this.delimitedEnd(end);
    const text = this.#bytes.toString('utf8', this.at, stop);
    if (checksUtf8 && text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(this.at, stop)))
      throw new TranscodingFault('holds a string that is no UTF-8');
    this.at = stop;
    return text;
  }

  /** Of the same memory. */
  bytes(end: number): Buffer {
    const stop = this.delimitedEnd(end);
    const bytes = this.#bytes.subarray(this.at, stop);
    this.at = stop;
    return bytes;
  }

  skip(tag: number, end: number, depth = 0): void {
    switch (tag & 7) {
      case wireTypes.varint:
        this.#varint();
        return;
      case wireTypes.fixed64:
        this.#step(8);
        return;
      case wireTypes.delimited:
        this.at = this.delimitedEnd(end);
        return;
      case wireTypes.fixed32:
        this.#step(4);
        return;
      case wireTypes.startGroup:
        this.#skipGroup(tag, end, depth);
        return;
      default:
        throw damaged();
    }
  }

  #skipGroup(start: number, end: number, depth: number): void {
    if (depth >= depthMax) throw damaged();
    while (this.at < end) {
      const tag = this.uint32();
      if ((tag & 7) === wireTypes.endGroup) {
        if (tag >>> 3 !== start >>> 3) throw damaged();
        return;
      }
      this.skip(tag, end, depth + 1);
    }
    throw damaged();
  }

  #step(bytes: number): number {
    const at = this.at;
    if (bytes > this.end - at) throw damaged();
    this.at += bytes;
    return at;
  }
}

/** A number where it can hold the value. */
function joined(low: number, high: number): number | bigint {
  const number = high * twoTo32 + low;
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low);
}

export function damaged(): TranscodingFault {
  return new TranscodingFault('is damaged');
}
