/** Both ends of tunnels through a node, whichever version of HTTP they speak; bytes are sent as tests want them. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  createSecureServer,
  createServer as createHttp2Server,
  type Http2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect, createServer, type Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { until } from './http-client.ts';
import { listenRaw } from './raw-upstream.ts';

export const spokens = ['http', 'https', 'h2c', 'h2'] as const;
export type Spoken = (typeof spokens)[number];

/** Of RFC 6455 section 1.3. */
export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';
export const sampleAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** `lines` end with CRLF each. */
export function handshakeText(path = '/', lines = ''): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${sampleKey}\r\n${lines}\r\n`
  );
}

/** To the sample key, or to that of a request. */
export function agreementText(accept = sampleAccept, lines = ''): string {
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n${lines}\r\n`
  );
}

/** For the Sec-WebSocket-Key of a request. */
export function acceptFor(head: string): string {
  const [, key = ''] = /^sec-websocket-key: (.*)\r$/im.exec(head) ?? [];
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** Certificates of a process, made when they are asked for first. */
let identity: Promise<{ authority: TestAuthority; issued: IssuedCertificate }> | undefined;

export async function testIdentity(): Promise<{ authority: TestAuthority; issued: IssuedCertificate }> {
  identity ??= (async () => {
    const authority = await TestAuthority.create();
    return { authority, issued: await authority.issue({ names: ['a'] }) };
  })();
  return identity;
}

/** One end of a tunnel: keeps what it gets. */
export class TunnelEnd {
  readonly stream: Duplex;
  readonly #pieces: Buffer[];
  isEnded = false;
  isClosed = false;

  /** `early`: what has come of the tunnel already. */
  constructor(stream: Duplex, early: Buffer = Buffer.alloc(0)) {
    this.stream = stream;
    this.#pieces = [early];
    stream.on('data', (piece: Buffer) => this.#pieces.push(piece));
    stream.on('end', () => (this.isEnded = true));
    stream.on('close', () => (this.isClosed = true));
    stream.on('error', () => {});
  }

  get received(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  send(bytes: string | Buffer): void {
    this.stream.write(bytes, 'latin1');
  }

  end(): void {
    this.stream.end();
  }

  /** Without a word: RST of TCP, or RST_STREAM. */
  cut(): void {
    const { stream } = this;
    if (stream.constructor === Socket) (stream as Socket).resetAndDestroy();
    // Not `close` of a stream: it ends it first.
    else stream.destroy(cut);
  }

  /** The connection below. */
  get session(): Http2Session {
    return (this.stream as ClientHttp2Stream).session!;
  }

  async hears(text: string): Promise<void> {
    await until(`"${text}"`, () => this.text.includes(text));
  }
}

const cut = new Error('cut by a test');

export interface Opened {
  readonly status: number;
  /** Of HTTP/1.1 with its fields. */
  readonly head: string;
  readonly end: TunnelEnd;
}

/** Asks for a WebSocket; `early` is sent together with the request. */
export async function openTunnelEnd(
  context: TestContext,
  port: number,
  options: { spoken?: Spoken; path?: string; lines?: string; early?: Buffer } = {},
): Promise<Opened> {
  const { spoken = 'http', path = '/', lines = '', early = Buffer.alloc(0) } = options;
  if (spoken === 'h2c' || spoken === 'h2') return openStream(context, { spoken, port, path, early });
  const socket =
    spoken === 'http'
      ? connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      : connectTls({ ...tlsOptions, port });
  socket.on('error', () => {});
  context.after(() => void socket.destroy());
  socket.write(Buffer.concat([Buffer.from(handshakeText(path, lines), 'latin1'), early]));
  const { head, rest } = await readHead(socket);
  return { status: Number(head.split(' ', 2)[1]), head, end: new TunnelEnd(socket, rest) };
}

const tlsOptions = { host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true };

async function openStream(
  context: TestContext,
  { spoken, port, path, early }: { spoken: 'h2c' | 'h2'; port: number; path: string; early: Buffer },
): Promise<Opened> {
  const scheme = spoken === 'h2' ? 'https' : 'http';
  const session = connectHttp2(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  context.after(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': scheme,
      ':authority': 'a',
      ':path': path,
      'sec-websocket-version': '13',
    },
    { endStream: false },
  );
  const end = new TunnelEnd(stream);
  if (early.length > 0) end.send(early);
  const [fields] = (await once(stream, 'response')) as [Record<string, string>];
  return { status: Number(fields[':status']), head: JSON.stringify(fields), end };
}

export interface TunnelUpstream {
  readonly port: number;
  /** Heads of requests; of HTTP/2 as JSON. */
  readonly heads: string[];
  readonly ends: TunnelEnd[];
}

type Answer = (head: string, stream: Duplex) => string | undefined;

/** Agrees to every WebSocket, unless `answer` says what to send in place of that; '': nothing, for now. */
export async function tunnelUpstream(
  context: TestContext,
  spoken: Spoken = 'http',
  answer: Answer = () => undefined,
): Promise<TunnelUpstream> {
  const heads: string[] = [];
  const ends: TunnelEnd[] = [];
  const server = await serverOf(spoken);
  server.on('stream', (stream: ServerHttp2Stream, fields: object) => {
    stream.on('error', () => {});
    heads.push(JSON.stringify(fields));
    const refusal = answer(heads.at(-1)!, stream);
    if (refusal === '') return;
    if (refusal === undefined) stream.respond({ ':status': 200 });
    else stream.respond({ ':status': Number(refusal) }, { endStream: true });
    ends.push(new TunnelEnd(stream));
  });
  if (spoken === 'http' || spoken === 'https')
    server.on(spoken === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => {
      void serve(socket, { heads, ends, answer });
    });
  return { port: await listenRaw(context, server), heads, ends };
}

async function serve(
  socket: Socket,
  { heads, ends, answer }: Omit<TunnelUpstream, 'port'> & { answer: Answer },
): Promise<void> {
  socket.on('error', () => {});
  let unread: Buffer = Buffer.alloc(0);
  for (;;) {
    const { head, rest } = await readHead(socket, unread).catch(() => ({ head: '', rest: unread }));
    if (head === '') return;
    unread = rest;
    heads.push(head);
    const text = answer(head, socket);
    if (text !== undefined) {
      if (text !== '') socket.write(text, 'latin1');
      continue;
    }
    socket.write(agreementText(acceptFor(head)), 'latin1');
    ends.push(new TunnelEnd(socket, rest));
    return;
  }
}

async function serverOf(spoken: Spoken): Promise<Server> {
  if (spoken === 'http') return createServer({ allowHalfOpen: true, noDelay: true });
  const settings = { enableConnectProtocol: true };
  if (spoken === 'h2c') return createHttp2Server({ settings });
  const { issued } = await testIdentity();
  const tls = { cert: issued.certificate, key: issued.key };
  if (spoken === 'h2') return createSecureServer({ ...tls, settings });
  return createTlsServer({ ...tls, allowHalfOpen: true });
}

/** All to the end of the next head. Rejects when the connection ends before it. */
async function readHead(
  socket: Socket,
  before: Buffer = Buffer.alloc(0),
): Promise<{ head: string; rest: Buffer }> {
  let all = before;
  for (;;) {
    const end = all.indexOf('\r\n\r\n');
    if (end >= 0) return { head: all.toString('latin1', 0, end + 4), rest: all.subarray(end + 4) };
    const piece = await nextPiece(socket);
    if (piece === undefined) throw new Error(`no head: ${all.toString('latin1')}`);
    all = Buffer.concat([all, piece]);
  }
}

async function nextPiece(socket: Socket): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const onEnd = (): void => resolve(undefined);
  socket.once('data', resolve).once('end', onEnd).once('close', onEnd);
  const piece = await promise;
  socket.off('data', resolve).off('end', onEnd).off('close', onEnd);
  return piece;
}
