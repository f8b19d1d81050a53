// A WebSocket client as an application has it: the library `ws`, with what tests wait for.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { Inbox } from './inbox.ts';
import { onEnd, type Owner } from './owner.ts';
import type { Closed } from './websocket-frames.ts';

export interface WebSocketOptions {
  /** Subprotocols that it offers. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly origin?: string;
  /** Offers permessage-deflate, and compresses whatever it sends where that is agreed on; default false. */
  readonly deflate?: boolean;
  /** Pings are answered; default true. */
  readonly answersPings?: boolean;
  /** The connection in the place of one by the URL, for example `http2Tunnel`. */
  readonly connection?: () => Duplex;
}

/** A handshake that was answered with something else than 101. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Opens a WebSocket; certificates are not checked. Throws when it is refused. It is cut when `owner` ends. */
export async function openWebSocket(
  owner: Owner,
  url: string,
  options: WebSocketOptions = {},
): Promise<WebSocketClient> {
  const opened = await handshake(owner, url, options);
  if (opened instanceof WebSocketClient) return opened;
  throw new Error(`${url} answered the handshake with ${opened.status}: ${opened.body}`);
}

/** The answer to a handshake that is refused. Throws when it is not. */
export async function refusedWebSocket(
  owner: Owner,
  url: string,
  options: WebSocketOptions = {},
): Promise<Refusal> {
  const refusal = await handshake(owner, url, options);
  if (refusal instanceof WebSocketClient) throw new Error(`${url} has opened a WebSocket`);
  return refusal;
}

/** One of the two that can come of it; throws when the connection breaks before. */
export async function handshake(
  owner: Owner,
  url: string,
  options: WebSocketOptions = {},
): Promise<WebSocketClient | Refusal> {
  const { protocols = [], headers = {}, origin, deflate = false, answersPings = true, connection } = options;
  const socket = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    ...(origin !== undefined && { origin }),
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    rejectUnauthorized: false,
    autoPong: answersPings,
    maxPayload: 0,
    // The type is that of net.connect; any Duplex will do.
    ...(connection !== undefined && { createConnection: connection as never }),
  });
  onEnd(owner, () => socket.terminate());
  const { promise, resolve, reject } = Promise.withResolvers<WebSocketClient | Refusal>();
  const client = new WebSocketClient(socket);
  socket.once('open', () => resolve(client));
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    const { statusCode: status = 0, headers: fields } = response;
    text(response).then((body) => resolve({ status, headers: fields, body }), reject);
  });
  socket.on('error', reject);
  return promise;
}

export class WebSocketClient {
  readonly socket: WebSocket;
  /** Headers of the answer to the handshake. */
  headers: IncomingHttpHeaders = {};
  readonly #messages = new Inbox<string | Buffer>('messages');
  readonly #pongs = new Inbox<string>('pongs');
  readonly #pings = new Inbox<string>('pings');
  readonly #closed = new Inbox<Closed>('close');
  #isOver = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('upgrade', ({ headers }: IncomingMessage) => {
      this.headers = headers;
    });
    socket.on('message', (data: Buffer, isBinary) => this.#messages.push(isBinary ? data : data.toString()));
    socket.on('ping', (data: Buffer) => this.#pings.push(data.toString()));
    socket.on('pong', (data: Buffer) => this.#pongs.push(data.toString()));
    socket.on('close', (code: number, reason: Buffer) => {
      this.#isOver = true;
      const closed = { code, reason: reason.toString() };
      this.#closed.push(closed);
      for (const inbox of [this.#messages, this.#pings, this.#pongs])
        inbox.end(`closed with ${code} ${closed.reason}`);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages that have come and were not taken. */
  get unread(): readonly (string | Buffer)[] {
    return this.#messages.waiting;
  }

  /** Resolves when the system has taken it. */
  async send(message: string | Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.send(message, (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /** The next message: text, or a Buffer where it was binary. */
  async next(): Promise<string | Buffer> {
    return this.#messages.next();
  }

  /** Sends a message and takes the next one that comes. */
  async ask(message: string | Buffer): Promise<string | Buffer> {
    await this.send(message);
    return this.next();
  }

  /** Sends a ping and takes the payload of the next pong. */
  async ping(payload: string): Promise<string> {
    this.socket.ping(payload);
    return this.#pongs.next();
  }

  /** The payload of the next ping. */
  async nextPing(): Promise<string> {
    return this.#pings.next();
  }

  /** Closes, and gives what the other side answered. */
  async close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed();
  }

  /** How it ended, once it has: 1006 without a close frame. Takes it: to be called once. */
  async closed(): Promise<Closed> {
    return this.#closed.next();
  }
}
