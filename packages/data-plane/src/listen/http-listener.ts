/** A listening port on node:http: accepts within the limits and hands requests over. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { systemCodeOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import type { MessageFault, RequestHandler } from '../proxy/exchange.ts';
import type { GatewaySettings } from '../table/gateway-settings.ts';
import { needsReusePort } from './assert-port-free.ts';
import { ClientConnection } from './client-connection.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import { HttpExchange } from './http-exchange.ts';

export interface HttpListenerOptions {
  readonly socketKey: string;
  readonly address: string;
  readonly port: number;
  readonly handler: RequestHandler;
  readonly counts: ConnectionCounts;
  readonly logger: Logger;
  readonly settings: GatewaySettings;
}

/** How often connections are looked through for heads that take too long, milliseconds. */
const headCheckMs = 500;
const tcpKeepAliveMs = 60_000;
/** What node:http counts against its limit is less than a head, so ours, which is exact, comes first. */
const headSlackBytes = 1024;

export class HttpListener {
  /** Of the table's socket that new connections belong to. */
  socketKey: string;
  readonly address: string;
  /** As asked for. */
  readonly port: number;
  readonly handler: RequestHandler;
  isLive = false;
  readonly #server: Server;
  readonly #counts: ConnectionCounts;
  readonly #logger: Logger;
  readonly #connections = new Map<Socket, ClientConnection>();
  #settings: GatewaySettings;

  constructor(options: HttpListenerOptions) {
    this.socketKey = options.socketKey;
    this.address = options.address;
    this.port = options.port;
    this.handler = options.handler;
    this.#counts = options.counts;
    this.#logger = options.logger;
    this.#settings = options.settings;
    this.#server = createServer({
      insecureHTTPParser: false,
      // Judged by our own guard, which sees fields that node:http does not show.
      requireHostHeader: false,
      joinDuplicateHeaders: false,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveMs,
      connectionsCheckingInterval: headCheckMs,
      // Bodies may take as long as they move; the recipe holds their deadlines.
      requestTimeout: 0,
      optimizeEmptyRequests: true,
    });
    this.configure(options.settings);
    this.#listenToServer();
  }

  get requestsMax(): number {
    return this.#settings.connections.requestsPerConnectionMax;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Takes new limits; open connections keep the head limits that they began with. */
  configure(settings: GatewaySettings): void {
    this.#settings = settings;
    const { timeouts, head } = settings;
    const server = this.#server;
    server.headersTimeout = timeouts.requestHeadMs;
    server.keepAliveTimeout = timeouts.keepAliveMs;
    server.keepAliveTimeoutBuffer = 0;
    // 0 = no limit: beyond one, node:http drops fields without a word.
    server.maxHeadersCount = 0;
    Object.assign(server, {
      maxHeaderSize: Math.max(head.headBytesMax, head.targetBytesMax) + headSlackBytes,
    });
  }

  /**
   * Opens the port. Rejects with the system's error, but not when sockets of the same user that take SO_REUSEPORT are there:
   * `assertPortFree` comes first.
   */
  async open(): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen({ port: this.port, host: this.address, reusePort: needsReusePort }, () => {
      const bound = this.#server.address();
      if (typeof bound === 'object' && bound !== null) resolve(bound);
    });
    const bound = await promise;
    this.#server.off('error', reject);
    // Accepting may fail for lack of descriptors; the port stays open and the next one may succeed.
    const { socketKey: socket } = this;
    this.#server.on('error', (error) =>
      this.#logger.warn({ socket, err: error }, 'a connection was not accepted'),
    );
    return bound;
  }

  /** Requests that came before the table had this port are handled now, and later ones at once. */
  goLive(): void {
    this.isLive = true;
    for (const connection of this.#connections.values()) connection.advance();
  }

  /** Stops accepting; connections stay. The port is free when this returns. */
  stopAccepting(): void {
    // The one of node:http would cut idle connections and stop watching for heads that take too long.
    NetServer.prototype.close.call(this.#server);
    this.#closeWhenEmpty();
  }

  /** Gives each connection the socket key that `homeOf` finds for its local address; without one it ends as its exchanges do. */
  settle(homeOf: (localAddress: string) => string | undefined): void {
    for (const [socket, connection] of this.#connections) {
      const key = homeOf(socket.localAddress ?? this.address);
      if (key === undefined) connection.leave();
      else connection.moveTo(key);
    }
  }

  /** Cuts what is left. */
  destroy(): void {
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #listenToServer(): void {
    const server = this.#server;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true));
    // An expectation that is unknown is none of ours to judge; the field does not cross.
    server.on('checkExpectation', (request, response) => this.#onRequest(request, response, false));
    server.on('connect', (_request, socket) => this.#fail(socket as Socket, 'connect_refused'));
    server.on('clientError', (error, socket) => this.#onParserError(error, socket as Socket));
  }

  #onConnection(socket: Socket): void {
    const peerAddress = socket.remoteAddress;
    const { connections, clientAddress } = this.#settings;
    const limits = { ...connections, trustedProxies: clientAddress.trustedProxies };
    // Without an address it is gone already.
    if (peerAddress === undefined || !this.#counts.enter(peerAddress, limits)) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, new ClientConnection(this, socket));
    socket.on('error', () => {
      // 'close' follows, and tells all that matters.
    });
    socket.on('close', () => {
      this.#connections.delete(socket);
      this.#counts.leave(peerAddress);
      this.#closeWhenEmpty();
    });
  }

  /** Ends the timer that node:http keeps for its connections. */
  #closeWhenEmpty(): void {
    if (!this.#server.listening && this.#connections.size === 0) this.#server.close();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = this.#connections.get(request.socket);
    connection?.take(new HttpExchange(connection, request, response, expectsContinue));
  }

  #onParserError(error: Error & { rawPacket?: Buffer }, socket: Socket): void {
    const fault = faultOf(error);
    if (fault === undefined) socket.destroy();
    else if (fault !== 'after_close') this.#fail(socket, fault);
  }

  #fail(socket: Socket, fault: MessageFault): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) socket.destroy();
    else connection.fail(fault);
  }
}

/** Undefined: the connection itself failed. `after_close`: bytes behind the last request, which nobody reads. */
function faultOf(error: Error & { rawPacket?: Buffer }): MessageFault | 'after_close' | undefined {
  const code = systemCodeOf(error) ?? '';
  if (code === 'HPE_CLOSED_CONNECTION') return 'after_close';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'head_timeout';
  if (code === 'HPE_HEADER_OVERFLOW') {
    // The line that overflowed is the first one when no line has ended yet.
    return error.rawPacket?.includes('\n') === false ? 'uri_too_long' : 'head_too_large';
  }
  return code.startsWith('HPE_') ? 'malformed' : undefined;
}
