/** Connections of clients before a handler that a test scripts, on a clock that stands still. */

import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { defaultLimits } from '@causeway/http1/limits';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import { ClientConnection } from '../listen/client-connection.ts';
import type { ConnectionContext, ListenedConnection } from '../listen/connection-context.ts';
import { Http2Connection } from '../listen/http2/http2-connection.ts';
import { Http2Counters } from '../listen/http2/http2-counters.ts';
import { ClientTimeoutCounters } from '../listen/client-timeout-counters.ts';
import type {
  Downstream,
  DownstreamEvents,
  FieldList,
  MessageFault,
  RequestHandler,
} from '../proxy/exchange.ts';
import { TimerWheel } from '../proxy/timer-wheel.ts';
import { until } from './http-client.ts';
import { listenRaw } from './raw-upstream.ts';

/** What a request came to, with the means to answer it. */
export class Asked implements DownstreamEvents {
  readonly downstream: Downstream;
  /** "GET /a" */
  readonly line: string;
  body = '';
  bodyBytes = 0;
  trailers: FieldList | undefined;
  isReceived = false;
  /** How it ended: `sent` or `closed`. */
  end: string | undefined;
  isHalfClosed = false;
  isUnseen = false;
  readonly faults: MessageFault[] = [];
  drains = 0;
  /** Says whether a piece of the body is free at once. */
  takes: (chunk: Buffer) => boolean = () => true;
  whenReceived: () => void = () => {};

  constructor(downstream: Downstream) {
    this.downstream = downstream;
    const { method, target, bodyLength } = downstream.head;
    this.line = `${method} ${target}`;
    this.isReceived = bodyLength === 0;
  }

  /** A whole answer: counted, of one piece. */
  answer(text = this.line, options: { status?: number; close?: boolean } = {}): void {
    const { status = 200, close = !this.isReceived } = options;
    this.downstream.sendHead(status, [], text.length, close);
    this.downstream.sendChunk(Buffer.from(text, 'latin1'));
    this.downstream.endResponse();
  }

  onRequestChunk(chunk: Buffer): boolean {
    this.body += chunk.toString('latin1');
    this.bodyBytes += chunk.length;
    return this.takes(chunk);
  }

  onRequestPart(): void {}

  onRequestEnd(trailers?: FieldList): void {
    this.trailers = trailers;
    this.isReceived = true;
    this.whenReceived();
  }

  onRequestFault(fault: MessageFault): void {
    this.faults.push(fault);
  }

  onDownstreamDrain(): void {
    this.drains += 1;
  }

  onDownstreamHalfClosed(): void {
    this.isHalfClosed = true;
  }

  onDownstreamUnseen(): void {
    this.isUnseen = true;
  }

  onResponseSent(): void {
    this.end = `${this.end ?? ''}sent`;
  }

  onDownstreamClosed(): void {
    this.end = `${this.end ?? ''}closed`;
  }
}

/** As a listener hands it to its connections; a test may change it at any time. */
export interface ClientContext extends ConnectionContext {
  isLive: boolean;
  requestHeadMs: number;
  keepAliveMs: number;
  requestsMax: number;
  pipelinedMax: number;
  streamsMax: number;
}

export interface ClientFixture {
  readonly port: number;
  readonly clock: ManualClock;
  readonly context: ClientContext;
  readonly counters: ClientTimeoutCounters;
  readonly connections: ClientConnection[];
  /** Those that turned out to speak HTTP/2. */
  readonly http2: Http2Connection[];
  /** Those that are over. */
  readonly closed: ListenedConnection[];
  readonly asked: Asked[];
  /** Faults of what was no request. */
  readonly refused: MessageFault[];
}

/** `onRequest` is called within `handle`; it may answer there, or later. */
export async function startClients(
  context: TestContext,
  onRequest: (asked: Asked) => void = (asked) => asked.answer(),
  settings: Partial<ClientContext> = {},
  prepare: (socket: Socket) => void = () => {},
): Promise<ClientFixture> {
  const fixture = scripted(onRequest, settings);
  const { shared, connections, http2 } = fixture;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.on('connection', (socket: Socket) => {
    prepare(socket);
    connections.push(new ClientConnection(shared, socket, { ...peerOf(socket), tls: undefined }));
  });
  context.after(() => [...connections, ...http2].forEach((connection) => connection.destroy()));
  return { ...fixture, context: shared, port: await listenRaw(context, server) };
}

/** The same for connections that have agreed on HTTP/2 over TLS. */
export async function startSecureHttp2(
  context: TestContext,
  onRequest: (asked: Asked) => void = (asked) => asked.answer(),
  settings: Partial<ClientContext> = {},
): Promise<ClientFixture> {
  const fixture = scripted(onRequest, settings);
  const { shared, http2 } = fixture;
  const { certificate: cert, key } = await (await TestAuthority.create()).issue({ names: ['a'] });
  const server = createTlsServer({ cert, key, ALPNProtocols: ['h2'], allowHalfOpen: true });
  server.on('secureConnection', (socket: Socket) => {
    const peer = { socketKey: 'a:1', ...peerOf(socket), localPort: 0, scheme: 'https' } as const;
    http2.push(new Http2Connection(shared, peer, socket, Buffer.alloc(0)));
  });
  context.after(() => http2.forEach((connection) => connection.destroy()));
  return { ...fixture, context: shared, port: await listenRaw(context, server) };
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): { peerAddress: string; peerPort: number } {
  return { peerAddress: remoteAddress, peerPort: remotePort };
}

/** All but the port. */
function scripted(onRequest: (asked: Asked) => void, settings: Partial<ClientContext>) {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const counters = new ClientTimeoutCounters();
  const connections: ClientConnection[] = [];
  const http2: Http2Connection[] = [];
  const closed: ListenedConnection[] = [];
  const asked: Asked[] = [];
  const refused: MessageFault[] = [];
  const handler: RequestHandler = {
    handle(downstream) {
      const next = new Asked(downstream);
      asked.push(next);
      onRequest(next);
      return next;
    },
    refuse(_connection, fault) {
      refused.push(fault);
      return { status: 400, fields: [], body: fault };
    },
  };
  const shared: ClientContext = {
    socketKey: 'a:1',
    handler,
    wheel,
    timeoutCounters: counters,
    http2Counters: new Http2Counters(),
    isLive: true,
    headLimits: defaultLimits,
    requestHeadMs: 10_000,
    keepAliveMs: 60_000,
    requestsMax: 0,
    pipelinedMax: 16,
    isHttp2Allowed: true,
    streamsMax: 100,
    onHttp2: (from, socket, bytes) => http2.push(new Http2Connection(shared, from.connection, socket, bytes)),
    onSwitched: () => {},
    onConnectionClosed: (connection) => closed.push(connection),
    ...settings,
  };
  return { clock, shared, counters, connections, http2, closed, asked, refused };
}

export const get = (target: string, fields = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** The head of an upload. */
export function post(length: number | 'chunked', fields = ''): string {
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  return `POST /p HTTP/1.1\r\nHost: a\r\n${framing}\r\n${fields}\r\n`;
}

/** A client that keeps what it gets. */
export class Client {
  readonly socket: Socket;
  received = '';
  isEnded = false;
  isClosed = false;

  constructor(context: TestContext, port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
    });
    this.socket.on('end', () => {
      this.isEnded = true;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    context.after(() => void this.socket.destroy());
  }

  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => void this.socket.write(bytes, 'latin1', () => resolve()));
  }

  get statuses(): string[] {
    return Array.from(this.received.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => status ?? '');
  }
}

/** Sends an answer of HTTP/2 to a client that does not read, until the buffers of both sockets take no more. */
export async function stuff({ downstream }: Asked): Promise<void> {
  downstream.sendHead(200, [], 'unknown', false);
  const piece = Buffer.alloc(16_384);
  for (let stuckTurns = 0; stuckTurns < 100; stuckTurns += 1) {
    if (downstream.unsentMark === 0) {
      downstream.sendChunk(piece);
      stuckTurns = 0;
    }
    await nextTurn();
  }
}

/** Everything that was sent before has been read by the node: what comes later on another connection has. */
export async function settled(context: TestContext, { port, asked }: ClientFixture): Promise<void> {
  const other = new Client(context, port);
  await other.send(get('/settled'));
  await until('a later request', () => asked.some(({ line }) => line === 'GET /settled'));
  asked.splice(
    asked.findIndex(({ line }) => line === 'GET /settled'),
    1,
  );
  other.socket.destroy();
}
