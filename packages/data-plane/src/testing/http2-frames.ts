/** HTTP/2 as bytes, for what no client library would send (RFC 9113 section 4, RFC 7541). */

import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FrameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FrameFlag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export const ErrorCode = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const headerBytes = 9;
const empty = Buffer.alloc(0);

export function frame(type: number, flags: number, stream: number, payload: Buffer = empty): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** Fields as literals without indexing, one character a byte: no table and no Huffman coding (RFC 7541 section 6.2.2). */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** RFC 7541 section 5.1, with no bit before the prefix. */
function integer(value: number, prefixBits: number): Buffer {
  const max = 2 ** prefixBits - 1;
  if (value < max) return Buffer.from([value]);
  const bytes = [max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export type Fields = readonly (readonly [string, string])[];

/** The pseudo-header fields of a request. */
export const pseudo = (method = 'GET', path = '/', authority = 'a'): Fields => [
  [':method', method],
  [':scheme', 'http'],
  [':path', path],
  [':authority', authority],
];

/** HEADERS of any length, with CONTINUATION where it must be. */
export function headers(stream: number, fields: Fields, flags: number = FrameFlag.endStream): Buffer {
  const bytes = block(fields);
  const pieceBytes = 16_384;
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
    const type = at === 0 ? FrameType.headers : FrameType.continuation;
    const end = at + pieceBytes >= bytes.length ? FrameFlag.endHeaders : 0;
    frames.push(frame(type, end | (at === 0 ? flags : 0), stream, bytes.subarray(at, at + pieceBytes)));
  }
  return Buffer.concat(frames);
}

export const data = (stream: number, payload: string | Buffer, flags = 0): Buffer =>
  frame(FrameType.data, flags, stream, typeof payload === 'string' ? Buffer.from(payload) : payload);

export function reset(stream: number, code: number): Buffer {
  return frame(FrameType.reset, 0, stream, uint32(code));
}

export const windowUpdate = (stream: number, bytes: number): Buffer =>
  frame(FrameType.windowUpdate, 0, stream, uint32(bytes));

export function goaway(lastStream: number, code: number): Buffer {
  return frame(FrameType.goaway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]));
}

/** SETTINGS with one setting, or empty. */
export function settings(setting?: number, value = 0): Buffer {
  if (setting === undefined) return frame(FrameType.settings, 0, 0);
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(setting);
  payload.writeUInt32BE(value, 2);
  return frame(FrameType.settings, 0, 0, payload);
}

export const maxConcurrentStreams = 3;
export const initialWindowSize = 4;

export const ping = (): Buffer => frame(FrameType.ping, 0, 0, Buffer.alloc(8));

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Frames out of bytes, kept. */
export class FrameLog {
  readonly frames: Frame[] = [];
  readonly #onFrame: (frame: Frame) => void;
  #unread: Buffer = empty;

  constructor(onFrame: (frame: Frame) => void = () => {}) {
    this.#onFrame = onFrame;
  }

  of(type: number, stream?: number): Frame[] {
    return this.frames.filter((each) => each.type === type && (stream ?? each.stream) === each.stream);
  }

  /** Error codes of RST_STREAM on the stream. */
  resets(stream: number): number[] {
    return this.of(FrameType.reset, stream).map(({ payload }) => payload.readUInt32BE(0));
  }

  /** Last stream and error code of each GOAWAY. */
  get goaways(): [number, number][] {
    return this.of(FrameType.goaway).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
  }

  body(stream: number): string {
    return Buffer.concat(this.of(FrameType.data, stream).map(({ payload }) => payload)).toString('latin1');
  }

  protected read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= headerBytes) {
      const end = headerBytes + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) return;
      const [type, flags] = [this.#unread.readUInt8(3), this.#unread.readUInt8(4)];
      const stream = this.#unread.readUInt32BE(5);
      const next = { type, flags, stream, payload: this.#unread.subarray(headerBytes, end) };
      this.#unread = this.#unread.subarray(end);
      this.frames.push(next);
      this.#onFrame(next);
    }
  }
}

/** A client of frames that keeps what it gets. Acknowledges nothing by itself. */
export class FrameClient extends FrameLog {
  readonly socket: Socket;
  isClosed = false;

  constructor(
    context: TestContext,
    port: number,
    first: Buffer = Buffer.concat([preface, frame(4, 0, 0)]),
    isSecure = false,
  ) {
    super();
    this.socket = isSecure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      : connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes: Buffer) => this.read(bytes));
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    context.after(() => void this.socket.destroy());
    this.socket.write(first);
  }

  async send(...frames: Buffer[]): Promise<void> {
    await new Promise<void>((resolve) => void this.socket.write(Buffer.concat(frames), () => resolve()));
  }
}
