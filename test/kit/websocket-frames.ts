// Frames of RFC 6455 as bytes, right or wrong: what a library would refuse to send is what some tests are about.

import { randomBytes } from 'node:crypto';

/** RFC 6455 section 5.2. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  /** 0 to 15, whether it means anything or not. */
  readonly opcode: number;
  /** A string is sent as UTF-8. */
  readonly payload: Buffer | string;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7; default 0. */
  readonly reserved?: number;
  /** Default true, as a client must; with a key of its own. */
  readonly masked?: boolean;
}

/** A frame as bytes, its length in the shortest of the three forms. */
export function encodeFrame({ opcode, payload, fin = true, reserved = 0, masked = true }: Frame): Buffer {
  const data = Buffer.from(payload as string);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const length = lengthField(data.length);
  length[0]! |= masked ? 0x80 : 0;
  const key = masked ? randomBytes(4) : Buffer.alloc(0);
  if (masked) mask(data, key);
  return Buffer.concat([Buffer.of(first), length, key, data]);
}

/** A close frame; without a code its payload is empty. */
export function encodeClose(code?: number, reason = '', masked = true): Buffer {
  const payload = Buffer.alloc(code === undefined ? 0 : 2 + Buffer.byteLength(reason));
  if (code !== undefined) {
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
  }
  return encodeFrame({ opcode: opcodes.close, payload, masked });
}

export interface ReadFrame {
  readonly fin: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly masked: boolean;
  /** Without its mask. */
  readonly payload: Buffer;
}

/** The first frame of `bytes` and where it ends; undefined: it is not all there. */
export function decodeFrame(bytes: Buffer): { frame: ReadFrame; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const masked = (bytes[1]! & 0x80) !== 0;
  const short = bytes[1]! & 0x7f;
  const lengthEnd = short === 127 ? 10 : short === 126 ? 4 : 2;
  const start = lengthEnd + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  const end = start + length;
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(start, end));
  if (masked) mask(payload, bytes.subarray(lengthEnd, start));
  const frame = {
    fin: (bytes[0]! & 0x80) !== 0,
    reserved: (bytes[0]! >> 4) & 7,
    opcode: bytes[0]! & 15,
    masked,
    payload,
  };
  return { frame, end };
}

/** Code and reason of a close frame; 1005 where it has none (RFC 6455 section 7.1.5). */
export function closeOf({ payload }: Pick<ReadFrame, 'payload'>): Closed {
  if (payload.length < 2) return { code: 1005, reason: '' };
  return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}

/** How a WebSocket ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

function lengthField(length: number): Buffer {
  if (length < 126) return Buffer.of(length);
  const field = Buffer.alloc(length < 65_536 ? 3 : 9);
  field[0] = length < 65_536 ? 126 : 127;
  if (length < 65_536) field.writeUInt16BE(length, 1);
  else field.writeBigUInt64BE(BigInt(length), 1);
  return field;
}

function mask(data: Buffer, key: Buffer): void {
  for (let at = 0; at < data.length; at += 1) data[at]! ^= key[at & 3]!;
}
