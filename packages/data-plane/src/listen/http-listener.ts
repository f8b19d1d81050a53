/** A listening port: accepts connections within the limits and knows them until they end. */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HeadLimits } from '@causeway/http1/limits';
import type { Logger } from '@causeway/runtime/logger';

import type { RequestHandler } from '../proxy/exchange.ts';
import type { TimerWheel } from '../proxy/timer-wheel.ts';
import type { GatewaySettings } from '../table/gateway-settings.ts';
import { Arrival, type ArrivalOwner, type ListenerFront } from './arrival.ts';
import type { ArrivalCounters } from './arrival-counters.ts';
import { needsReusePort } from './assert-port-free.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientTimeoutCounters } from './client-timeout-counters.ts';
import type { ConnectionContext, ListenedConnection } from './connection-context.ts';
import type { ConnectionCountLimits, ConnectionCounts } from './connection-counts.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import type { Http2Counters } from './http2/http2-counters.ts';
import { peerConnection } from './peer-connection.ts';

/** What all listeners of a node share. */
export interface ListenerContext {
  readonly handler: RequestHandler;
  readonly counts: ConnectionCounts;
  readonly timeoutCounters: ClientTimeoutCounters;
  readonly arrivalCounters: ArrivalCounters;
  readonly http2Counters: Http2Counters;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
}

export interface HttpListenerOptions {
  readonly socketKey: string;
  readonly address: string;
  readonly port: number;
  readonly settings: GatewaySettings;
  readonly front: ListenerFront;
}

const tcpKeepAliveMs = 60_000;

export class HttpListener implements ConnectionContext, ArrivalOwner {
  /** Of the table's socket that new connections belong to. */
  socketKey: string;
  readonly address: string;
  /** As asked for. */
  readonly port: number;
  isLive = false;
  readonly handler: RequestHandler;
  readonly wheel: TimerWheel;
  readonly timeoutCounters: ClientTimeoutCounters;
  readonly arrivalCounters: ArrivalCounters;
  readonly http2Counters: Http2Counters;
  readonly #server: Server;
  readonly #context: ListenerContext;
  readonly #connections = new Set<ListenedConnection>();
  /** Not yet connections; counted as such. */
  readonly #arrivals = new Set<Arrival>();
  #front: ListenerFront;
  #settings: GatewaySettings;

  constructor(context: ListenerContext, options: HttpListenerOptions) {
    const { socketKey, address, port, settings, front } = options;
    this.socketKey = socketKey;
    this.address = address;
    this.port = port;
    this.handler = context.handler;
    this.wheel = context.wheel;
    this.timeoutCounters = context.timeoutCounters;
    this.arrivalCounters = context.arrivalCounters;
    this.http2Counters = context.http2Counters;
    this.#context = context;
    this.#settings = settings;
    this.#front = front;
    this.#server = createServer({
      // A client may end its side and still wait for its answer.
      allowHalfOpen: true,
      // Each socket is replaced by one that reads where we want.
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveMs,
    });
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket));
  }

  get headLimits(): HeadLimits {
    return this.#settings.head;
  }

  get requestHeadMs(): number {
    return this.#settings.timeouts.requestHeadMs;
  }

  get tlsHandshakeMs(): number {
    return this.#settings.timeouts.tlsHandshakeMs;
  }

  get keepAliveMs(): number {
    return this.#settings.timeouts.keepAliveMs;
  }

  get requestsMax(): number {
    return this.#settings.connections.requestsPerConnectionMax;
  }

  get pipelinedMax(): number {
    return this.#settings.connections.pipelinedMax;
  }

  get isHttp2Allowed(): boolean {
    return this.#front.http2;
  }

  get streamsMax(): number {
    return this.#settings.connections.streamsMax;
  }

  get connections(): number {
    return this.#connections.size + this.#arrivals.size;
  }

  /** Takes new limits; open connections keep the limits on heads that they began with. `front` is for new connections; undefined: as it was. */
  configure(settings: GatewaySettings, front: ListenerFront | undefined): void {
    this.#settings = settings;
    this.#front = front ?? this.#front;
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
      this.#context.logger.warn({ socket, err: error }, 'a connection was not accepted'),
    );
    return bound;
  }

  /** Requests that came before the table had this port are handled now, and later ones at once. */
  goLive(): void {
    this.isLive = true;
    for (const connection of this.#connections) connection.advance();
  }

  /** Stops accepting; connections stay. The port is free when this returns. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Gives each connection the socket key that `homeOf` finds for its local address; without one it ends as its exchanges do. */
  settle(homeOf: (localAddress: string) => string | undefined): void {
    for (const connection of this.#connections) {
      const key = homeOf(connection.localAddress ?? this.address);
      if (key === undefined) connection.leave();
      else connection.moveTo(key);
    }
    for (const arrival of this.#arrivals)
      if (homeOf(arrival.localAddress ?? this.address) === undefined) arrival.isLeaving = true;
  }

  /** Cuts what is left. */
  destroy(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    for (const arrival of this.#arrivals) arrival.destroy();
  }

  /** It stays one connection, and is counted as it was. */
  onHttp2(connection: ListenedConnection, socket: Socket, bytes: Buffer): void {
    this.#connections.delete(connection);
    this.#connections.add(new Http2Connection(this, connection.connection, socket, bytes));
  }

  /** The same of a tunnel. */
  onSwitched(connection: ListenedConnection, tunnel: ListenedConnection): void {
    this.#connections.delete(connection);
    this.#connections.add(tunnel);
  }

  onConnectionClosed(connection: ListenedConnection): void {
    this.#connections.delete(connection);
    this.#context.counts.leave(connection.connection.peerAddress);
  }

  onProxied(from: string, to: string): boolean {
    return this.#context.counts.move(from, to, this.#countLimits);
  }

  onArrived(arrival: Arrival, socket: Socket, received: Buffer): void {
    this.#arrivals.delete(arrival);
    const { origin, isLeaving } = arrival;
    const connection =
      (socket as TLSSocket).alpnProtocol === 'h2'
        ? new Http2Connection(
            this,
            peerConnection(this.socketKey, socket.localPort ?? 0, origin),
            socket,
            received,
          )
        : new ClientConnection(this, socket, origin);
    this.#connections.add(connection);
    if (isLeaving) connection.leaveAfterNext();
    if (connection instanceof ClientConnection) connection.begin(received);
  }

  onLost(arrival: Arrival): void {
    this.#arrivals.delete(arrival);
    this.#context.counts.leave(arrival.origin.peerAddress);
  }

  get #countLimits(): ConnectionCountLimits {
    const { connections, clientAddress } = this.#settings;
    return { ...connections, trustedProxies: clientAddress.trustedProxies };
  }

  #onConnection(socket: Socket): void {
    const peerAddress = socket.remoteAddress;
    const limits = this.#countLimits;
    // Without an address it is gone already.
    if (peerAddress === undefined || !this.#context.counts.enter(peerAddress, limits)) {
      socket.destroy();
      return;
    }
    const { tls, proxyProtocol } = this.#front;
    const isTrusted = proxyProtocol !== 'none' && limits.trustedProxies.has(peerAddress);
    if (proxyProtocol === 'require' && !isTrusted) {
      this.arrivalCounters.proxy.untrusted += 1;
      this.#context.counts.leave(peerAddress);
      socket.destroy();
    } else if (tls !== undefined || isTrusted) {
      this.#arrivals.add(new Arrival(this, socket, this.#front, isTrusted));
    } else {
      const peerPort = socket.remotePort ?? 0;
      this.#connections.add(new ClientConnection(this, socket, { peerAddress, peerPort, tls: undefined }));
    }
  }
}
