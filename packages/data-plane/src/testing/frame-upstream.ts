/** Upstreams of HTTP/2 that send exactly the frames that a test tells them to. */

import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';

import { type Frame, FrameFlag, FrameLog, FrameType, frame, preface, settings } from './http2-frames.ts';
import { startRaw } from './raw-upstream.ts';

/** One connection from the node. Acknowledges SETTINGS and answers PINGs, unless it is told to be mute. */
export class FrameConnection extends FrameLog {
  readonly socket: Socket;
  isClosed = false;
  isMute = false;
  #isGreeted = false;
  #start: Buffer = Buffer.alloc(0);

  constructor(
    socket: Socket,
    greeting: Buffer,
    onFrame: (connection: FrameConnection, frame: Frame) => void,
  ) {
    super((next) => {
      this.#acknowledge(next);
      onFrame(this, next);
    });
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.write(greeting);
  }

  /** Streams of the requests so far, in order. */
  get requests(): number[] {
    return this.of(FrameType.headers).map(({ stream }) => stream);
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  #receive(bytes: Buffer): void {
    if (this.#isGreeted) return this.read(bytes);
    this.#start = Buffer.concat([this.#start, bytes]);
    if (this.#start.length < preface.length) return;
    if (this.#start.compare(preface, 0, preface.length, 0, preface.length) !== 0)
      throw new Error('what came first is not the preface');
    this.#isGreeted = true;
    this.read(this.#start.subarray(preface.length));
  }

  #acknowledge({ type, flags, payload }: Frame): void {
    if (this.isMute || (flags & FrameFlag.ack) !== 0) return;
    if (type === FrameType.settings) this.send(frame(FrameType.settings, FrameFlag.ack, 0));
    else if (type === FrameType.ping) this.send(frame(FrameType.ping, FrameFlag.ack, 0, payload));
  }
}

export interface FrameUpstream {
  readonly port: number;
  readonly connections: FrameConnection[];
}

/** Calls `onFrame` for each frame that comes. */
export async function frameUpstream(
  context: TestContext,
  onFrame: (connection: FrameConnection, frame: Frame) => void = () => {},
  greeting: Buffer = settings(),
): Promise<FrameUpstream> {
  const connections: FrameConnection[] = [];
  const port = await startRaw(context, (socket) => {
    socket.setNoDelay(true);
    connections.push(new FrameConnection(socket, greeting, onFrame));
  });
  return { port, connections };
}

/** Calls `answer` for each request, by its stream. */
export async function answeringUpstream(
  context: TestContext,
  answer: (connection: FrameConnection, stream: number, index: number) => void,
  greeting?: Buffer,
): Promise<FrameUpstream> {
  let index = 0;
  return frameUpstream(
    context,
    (connection, { type, stream }) => {
      if (type !== FrameType.headers) return;
      index += 1;
      answer(connection, stream, index - 1);
    },
    greeting,
  );
}
