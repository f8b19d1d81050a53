// A WebSocket that sends a message, waits for its answer, and sends the next: one of those that load a proxy.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { handshakeHead } from '../kit/raw-websocket.ts';
import { answerFrame, messageFrame } from './stream-traffic.ts';

/** Addresses that clients come from, so that ports do not run out: each has 28,000 on Linux. */
const addresses = 5;

/** Calls back for each answer, with the time that it took. */
export type OnAnswer = (tookMs: number) => void;

/** Open when it is given. */
export async function openEchoConnection(port: number, path: string, index: number): Promise<EchoConnection> {
  const localAddress = `127.0.0.${2 + (index % addresses)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  await once(socket, 'connect');
  socket.write(handshakeHead(path, 'bench.test'));
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 101 '))
    throw new Error(`no WebSocket: ${head.toString()}`);
  return new EchoConnection(socket);
}

export class EchoConnection {
  readonly #socket: Socket;
  #onAnswer: OnAnswer = () => {};
  #sentMs: number[] = [];
  #bytes = 0;
  #left = 0;
  #idle: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => {
      throw error;
    });
  }

  /** Keeps `inFlight` messages under way until `count` are answered. */
  async run(count: number, inFlight = 1, onAnswer: OnAnswer = () => {}): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onAnswer = onAnswer;
    this.#idle = resolve;
    this.#left = count;
    for (let sent = 0; sent < Math.min(inFlight, count); sent += 1) this.#send();
    return promise;
  }

  /** Lets what is under way be the last. */
  stop(): void {
    this.#left = 0;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(): void {
    this.#left -= 1;
    this.#sentMs.push(performance.now());
    this.#socket.write(messageFrame);
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const nowMs = performance.now();
    for (; this.#bytes >= answerFrame.length; this.#bytes -= answerFrame.length) {
      this.#onAnswer(nowMs - this.#sentMs.shift()!);
      if (this.#left > 0) this.#send();
    }
    if (this.#sentMs.length === 0) this.#idle?.();
  }
}
