// The upstream behind a case: it writes down every byte, answers what is right, and says what was not.

import { createServer, type Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { headerValues } from '../kit/raw-message.ts';
import type { Owner } from '../kit/owner.ts';
import { parseRequest, parseRequestHead, type RawRequest } from '../kit/raw-request.ts';
import { listen } from '../kit/upstreams/listen.ts';

export interface UpstreamScript {
  /** Bytes for the n-th request; absent: 200 with the request line. */
  readonly responses?: readonly string[];
  /** Default true where there are `responses`. */
  readonly closes?: boolean;
}

/** What one case brought to the upstream. */
export interface Recording {
  /** Whole requests in the order in which they ended. */
  readonly requests: readonly RawRequest[];
  /** Connections on which a request began and did not end. */
  readonly incomplete: number;
  /** What the gateway sent that is no HTTP. */
  readonly faults: readonly string[];
  /** Every byte of each connection. */
  readonly connections: readonly Buffer[];
  /** The same in one text, latin-1. */
  readonly bytes: string;
}

const goneTimeoutMs = 3000;
/** What the kernel had before the client was told the end is accepted and read within so many turns of the event loop. */
const turns = 3;

interface Connection {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  unread: Buffer;
  saidContinue: boolean;
}

/** Serves one case at a time; connections never outlive it, so that what comes in belongs to the case. */
export class RecordingUpstream {
  port = 0;
  #script: UpstreamScript = {};
  #connections: Connection[] = [];
  #requests: RawRequest[] = [];
  #faults: string[] = [];

  async open(owner: Owner): Promise<void> {
    // Half-open, so that an answer can still be sent to a gateway that has finished sending.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));
    this.port = await listen(owner, server);
  }

  begin(script: UpstreamScript): void {
    this.#script = script;
    this.#connections = [];
    this.#requests = [];
    this.#faults = [];
  }

  /** Sends bytes that nobody asked for on every open connection. */
  push(bytes: string): void {
    for (const { socket } of this.#connections) socket.write(bytes, 'latin1');
  }

  /** Closes every connection, waits until the gateway has closed them too, and returns what was seen. */
  async finish(): Promise<Recording> {
    for (let turn = 0; turn < turns; turn += 1) await immediate();
    await Promise.all(this.#connections.map(({ socket }) => goodbye(socket)));
    const connections = this.#connections.map(({ chunks }) => Buffer.concat(chunks));
    return {
      connections,
      requests: this.#requests,
      incomplete: this.#connections.filter(({ unread }) => unread.length > 0).length,
      faults: this.#faults,
      bytes: connections.map((bytes) => bytes.toString('latin1')).join('\n'),
    };
  }

  #take(socket: Socket): void {
    const connection: Connection = { socket, chunks: [], unread: Buffer.alloc(0), saidContinue: false };
    this.#connections.push(connection);
    socket.on('data', (chunk: Buffer) => {
      connection.chunks.push(chunk);
      connection.unread = Buffer.concat([connection.unread, chunk]);
      try {
        this.#read(connection);
      } catch (error) {
        this.#faults.push(String(error));
        socket.destroy();
      }
    });
    socket.on('end', () => socket.end());
  }

  #read(connection: Connection): void {
    for (;;) {
      const parsed = parseRequest(connection.unread);
      if (parsed === undefined) break;
      connection.unread = connection.unread.subarray(parsed.bytesUsed);
      connection.saidContinue = false;
      this.#requests.push(parsed.request);
      this.#answer(connection.socket, parsed.request, this.#requests.length - 1);
    }
    this.#continue(connection);
  }

  /** An upstream says 100 to whoever waits for it. */
  #continue(connection: Connection): void {
    const head = connection.saidContinue ? undefined : parseRequestHead(connection.unread);
    if (head === undefined || headerValues(head, 'expect').length === 0) return;
    connection.saidContinue = true;
    connection.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #answer(socket: Socket, { method, target }: RawRequest, index: number): void {
    const { responses, closes = responses !== undefined } = this.#script;
    const scripted = responses?.[index];
    if (scripted !== undefined) {
      socket.write(scripted, 'latin1');
      if (closes || scripted === '') socket.end();
      return;
    }
    const body = `${method} ${target} HTTP/1.1`;
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`,
      'latin1',
    );
  }
}

/** A FIN, and an RST if the other side does not answer it: whoever still waited for it has failed in the case already. */
async function goodbye(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  const timer = setTimeout(() => socket.resetAndDestroy(), goneTimeoutMs);
  socket.end();
  await closed;
  clearTimeout(timer);
}
