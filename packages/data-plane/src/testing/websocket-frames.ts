/** Frames of WebSockets as tests write and read them, by RFC 6455 section 5.2 alone: also such as no library would make. */

export interface FrameParts {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isFinal: boolean;
  /** The three bits for extensions: 4 is RSV1. */
  readonly reserved: number;
  readonly mask: Buffer | undefined;
}

export interface FrameForm extends Partial<FrameParts> {
  /** More than the length needs is wrong, but can be written. */
  readonly lengthBits?: 7 | 16 | 64;
}

export const clientMask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function websocketFrame(form: FrameForm): Buffer {
  const { opcode = 1, payload = Buffer.alloc(0), isFinal = true, reserved = 0, mask } = form;
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const length = lengthBytes(payload.length, form.lengthBits);
  length[0]! |= mask === undefined ? 0 : 0x80;
  const masked = mask === undefined ? payload : maskedBytes(payload, mask);
  return Buffer.concat([Buffer.from([first]), length, mask ?? Buffer.alloc(0), masked]);
}

/** A frame of a client. */
export function fromClient(opcode: number, payload: Buffer | string = '', form: FrameForm = {}): Buffer {
  return websocketFrame({ opcode, payload: Buffer.from(payload), mask: clientMask, ...form });
}

/** A frame of an upstream. */
export function fromUpstream(opcode: number, payload: Buffer | string = '', form: FrameForm = {}): Buffer {
  return websocketFrame({ opcode, payload: Buffer.from(payload), ...form });
}

export function closePayload(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Whole frames and nothing else; payloads come out unmasked. */
export function readWebsocketFrames(bytes: Buffer): FrameParts[] {
  const frames: FrameParts[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    const [length, lengthEnd] = readLength(bytes, at + 1);
    const mask = second >= 0x80 ? bytes.subarray(lengthEnd, lengthEnd + 4) : undefined;
    const start = lengthEnd + (mask?.length ?? 0);
    at = start + length;
    if (at > bytes.length) throw new Error(`the last of ${frames.length + 1} frames is not whole`);
    const payload = bytes.subarray(start, at);
    frames.push({
      opcode: first & 0x0f,
      payload: mask === undefined ? payload : maskedBytes(payload, mask),
      isFinal: first >= 0x80,
      reserved: (first >> 4) & 7,
      mask,
    });
  }
  return frames;
}

/** Code and reason of a close frame. */
export function readClose({ opcode, payload }: FrameParts): { code: number; reason: string } {
  if (opcode !== 8) throw new Error(`opcode ${opcode} is no close frame`);
  if (payload.length === 0) return { code: 1005, reason: '' };
  return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}

/** At these places, each from 0 to the number of bytes. */
export function splitAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function maskedBytes(payload: Buffer, mask: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4]!));
}

function lengthBytes(length: number, bits = length < 126 ? 7 : length < 65_536 ? 16 : 64): Buffer {
  if (bits === 7) return Buffer.from([length]);
  const bytes = Buffer.alloc(bits === 16 ? 3 : 9);
  bytes[0] = bits === 16 ? 126 : 127;
  bytes.writeUIntBE(length, bytes.length - 2 - (bits === 16 ? 0 : 4), bits === 16 ? 2 : 6);
  return bytes;
}

function readLength(bytes: Buffer, at: number): [length: number, end: number] {
  const short = bytes.readUInt8(at) & 0x7f;
  if (short < 126) return [short, at + 1];
  return short === 126
    ? [bytes.readUInt16BE(at + 1), at + 3]
    : [Number(bytes.readBigUInt64BE(at + 1)), at + 9];
}
