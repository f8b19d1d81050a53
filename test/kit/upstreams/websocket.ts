// A WebSocket upstream on the library `ws`, which echoes what it gets and does on request what makes trouble for who stands before it.

import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createSecureServer, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { serverTunnel, upgradeOf } from '../http2-tunnel.ts';
import type { Owner } from '../owner.ts';
import type { Closed } from '../websocket-frames.ts';
import { listen, type Upstream } from './listen.ts';
import type { ServerCertificate } from './tls.ts';

const mebibyte = 1 << 20;
const floodMessage = Buffer.alloc(64 * 1024, 'x');

export interface WebSocketUpstreamOptions {
  /** With TLS. */
  readonly certificate?: ServerCertificate;
  /** HTTP/2 in the place of HTTP/1.1: without TLS by prior knowledge. */
  readonly http2?: boolean;
  /** Agrees on permessage-deflate where it is offered, and compresses whatever it sends; default false. */
  readonly deflate?: boolean;
  /** Said in the answers to `name`. */
  readonly name?: string;
}

/** What a handshake said. */
export interface SeenHandshake {
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface WebSocketUpstream extends Upstream {
  /** Open now. */
  readonly live: number;
  /** So far. */
  readonly opened: number;
  /** Handshakes so far, those that were refused too. */
  readonly handshakes: readonly SeenHandshake[];
  /** How WebSockets ended, in order; 1006: without a close frame. */
  readonly closes: readonly Closed[];
  /** Payload bytes of messages that it has read. */
  readonly bytesRead: number;
  /** Payload bytes of floods that the system has taken. */
  readonly bytesTaken: number;
  /** To all that are open. */
  broadcast(message: string): void;
  closeAll(code: number, reason: string): void;
  /** Cuts all without a close frame. */
  terminateAll(): void;
  /** Reads again after `pause`. */
  resumeAll(): void;
}

/**
 * Echoes messages. A text that is one of these is a request: `head` answers the handshake as JSON; `name`; `close CODE REASON`; `ping PAYLOAD`, of
 * whose pong it tells as `pong PAYLOAD`; `fragments A B C` sends a message in pieces; `flood N` sends N MiB as fast as they are taken; `pause` says `paused` and
 * stops reading; `end` ends its side of the connection, `destroy` all of it, both without a close frame. A handshake for `/status/NNN` is refused with
 * that status. Any other request is answered with 200.
 */
export async function startWebSocket(
  owner: Owner,
  options: WebSocketUpstreamOptions = {},
): Promise<WebSocketUpstream> {
  const peer = new Peer(options);
  const port = await listen(owner, serverOf(options, peer));
  return Object.assign(peer, { port });
}

function serverOf({ certificate, http2 = false }: WebSocketUpstreamOptions, peer: Peer): Server {
  const tls = certificate && { cert: certificate.certificate, key: certificate.key };
  if (http2) {
    const settings = { enableConnectProtocol: true };
    const server = tls ? createSecureServer({ ...tls, settings }) : createHttp2Server({ settings });
    server.on('session', (session) => session.on('error', () => {}));
    server.on('stream', (stream: ServerHttp2Stream, fields) => {
      stream.on('error', () => {});
      if (fields[':protocol'] === 'websocket') peer.onConnect(stream, fields);
      else stream.respond({ ':status': 200 }, { endStream: true });
    });
    return server;
  }
  const server = tls ? createTlsServer(tls) : createServer();
  server.on('request', (_request, response) => response.end('ok'));
  server.on('upgrade', (request, socket, head) => peer.onUpgrade(request, socket, head));
  return server;
}

class Peer implements Omit<WebSocketUpstream, 'port'> {
  readonly handshakes: SeenHandshake[] = [];
  readonly closes: Closed[] = [];
  opened = 0;
  bytesRead = 0;
  bytesTaken = 0;
  readonly #name: string;
  readonly #server: WebSocketServer;

  constructor({ deflate = false, name = 'websocket' }: WebSocketUpstreamOptions) {
    this.#name = name;
    const perMessageDeflate = deflate ? { threshold: 0 } : false;
    this.#server = new WebSocketServer({ noServer: true, perMessageDeflate, maxPayload: 0 });
  }

  get live(): number {
    return this.#server.clients.size;
  }

  broadcast(message: string): void {
    for (const client of this.#server.clients) client.send(message);
  }

  closeAll(code: number, reason: string): void {
    for (const client of this.#server.clients) client.close(code, reason);
  }

  terminateAll(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  resumeAll(): void {
    for (const client of this.#server.clients) client.resume();
  }

  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url = '', headers } = request;
    this.handshakes.push({ target: url, headers });
    const status = refusalOf(url);
    if (status === undefined) {
      this.#server.handleUpgrade(request, socket, head, (client) => this.#onOpen(client, socket));
      return;
    }
    const body = `refused with ${status}`;
    const fields = `content-type: text/plain\r\ncontent-length: ${body.length}\r\n`;
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}\r\n${body}`);
  }

  onConnect(stream: ServerHttp2Stream, fields: SeenHandshake['headers']): void {
    const target = String(fields[':path']);
    const status = refusalOf(target);
    if (status === undefined) {
      this.handshakes.push({ target, headers: fields });
      const request = upgradeOf(fields) as IncomingMessage;
      const socket = serverTunnel(stream);
      this.#server.handleUpgrade(request, socket, Buffer.alloc(0), (client) => this.#onOpen(client, socket));
      return;
    }
    this.handshakes.push({ target, headers: fields });
    stream.respond({ ':status': status, 'content-type': 'text/plain' });
    stream.end(`refused with ${status}`);
  }

  #onOpen(client: WebSocket, socket: Duplex): void {
    const handshake = this.handshakes.at(-1)!;
    this.opened += 1;
    client.on('error', () => {});
    client.on('close', (code: number, reason: Buffer) =>
      this.closes.push({ code, reason: reason.toString() }),
    );
    client.on('pong', (data: Buffer) => {
      if (client.readyState === WebSocket.OPEN) client.send(`pong ${data.toString()}`);
    });
    client.on('message', (data: Buffer, isBinary) => {
      this.bytesRead += data.length;
      if (isBinary || !this.#obeys(data.toString(), client, socket, handshake))
        client.send(data, { binary: isBinary });
    });
  }

  /** Whether it was a request. */
  #obeys(text: string, client: WebSocket, socket: Duplex, handshake: SeenHandshake): boolean {
    const [verb, ...words] = text.split(' ');
    switch (verb) {
      case 'head':
        client.send(JSON.stringify(handshake));
        return true;
      case 'name':
        client.send(this.#name);
        return true;
      case 'close':
        client.close(...closeWords(words));
        return true;
      case 'ping':
        client.ping(words.join(' '));
        return true;
      case 'fragments':
        words.forEach((word, index) => client.send(word, { fin: index === words.length - 1 }));
        return true;
      case 'flood':
        this.#flood(client, Number(words[0]) * mebibyte);
        return true;
      case 'pause':
        client.send('paused');
        client.pause();
        return true;
      case 'end':
        socket.end();
        return true;
      case 'destroy':
        (socket as Socket).destroy();
        return true;
      default:
        return false;
    }
  }

  #flood(client: WebSocket, bytes: number): void {
    if (bytes <= 0 || client.readyState !== WebSocket.OPEN) return;
    client.send(floodMessage, (error) => {
      if (error) return;
      this.bytesTaken += floodMessage.length;
      this.#flood(client, bytes - floodMessage.length);
    });
  }
}

function closeWords([code, ...reason]: readonly string[]): [code?: number, reason?: string] {
  return code === undefined ? [] : [Number(code), reason.join(' ')];
}

function refusalOf(target: string): number | undefined {
  const [, status] = /^\/status\/(\d{3})/.exec(target) ?? [];
  return status === undefined ? undefined : Number(status);
}
