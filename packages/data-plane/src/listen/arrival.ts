/** A connection that is not yet a client's: what a proxy says of it and its TLS handshake come first. */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { Timed, TimerWheel } from '../proxy/timer-wheel.ts';
import type { ArrivalCounters, HandshakeFailure, ProxyFailure } from './arrival-counters.ts';
import type { ClientTimeoutCounters } from './client-timeout-counters.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import type { HandshakeOwner, TlsAcceptor, TlsFacts } from './tls/tls-acceptor.ts';

/** What a port wants of a connection before the first request. */
export interface ListenerFront {
  readonly tls: TlsAcceptor | undefined;
  /** Besides HTTP/1.1. */
  readonly http2: boolean;
  readonly proxyProtocol: 'none' | 'accept' | 'require';
}

/** Whom a connection is from. */
export interface ConnectionOrigin {
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFacts | undefined;
}

export interface ArrivalOwner {
  readonly wheel: TimerWheel;
  readonly timeoutCounters: ClientTimeoutCounters;
  readonly arrivalCounters: ArrivalCounters;
  readonly tlsHandshakeMs: number;
  readonly requestHeadMs: number;
  /** A proxy has named its client, who counts instead of it from now on; false when there is one too many of him. */
  onProxied(from: string, to: string): boolean;
  /** It is over; `received` came behind the header of the proxy and is the client's. */
  onArrived(arrival: Arrival, socket: Socket, received: Buffer): void;
  /** The connection is gone. Not after `onArrived`. */
  onLost(arrival: Arrival): void;
}

const nothing = Buffer.alloc(0);
const plainHttpBody = 'This port speaks HTTPS.\n';
const plainHttpAnswer = `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: ${plainHttpBody.length}\r\nconnection: close\r\n\r\n${plainHttpBody}`;

export class Arrival implements Timed, HandshakeOwner {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  /** Its port has left: it ends with its first exchange. */
  isLeaving = false;
  origin: ConnectionOrigin;
  readonly #owner: ArrivalOwner;
  readonly #socket: Socket;
  readonly #front: ListenerFront;
  /** While the header of a proxy is awaited. */
  #head: Buffer | undefined;
  #isFailed = false;

  /** @param isProxied whether the peer may name its client. */
  constructor(owner: ArrivalOwner, socket: Socket, front: ListenerFront, isProxied: boolean) {
    this.#owner = owner;
    this.#socket = socket;
    this.#front = front;
    this.origin = {
      peerAddress: socket.remoteAddress ?? '',
      peerPort: socket.remotePort ?? 0,
      tls: undefined,
    };
    // 'close' follows, and tells all that matters.
    socket.on('error', ignoreError);
    socket.on('close', this.#onClose);
    const { wheel, tlsHandshakeMs, requestHeadMs } = owner;
    wheel.schedule(this, wheel.coarseMs() + (front.tls ? tlsHandshakeMs : requestHeadMs));
    if (isProxied) this.#awaitHeader();
    else this.#goOn(nothing);
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onDue(): void {
    const { timeoutCounters } = this.#owner;
    timeoutCounters[this.#front.tls ? 'tlsHandshake' : 'requestHead'] += 1;
    if (this.#head !== undefined) this.#failProxy('timeout');
    else this.onHandshakeFailed('timeout');
    this.#socket.destroy();
  }

  onSecured(socket: TLSSocket, tls: TlsFacts): void {
    this.origin = { ...this.origin, tls };
    this.#handOver(socket, nothing);
  }

  onHandshakeFailed(failure: HandshakeFailure): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#owner.arrivalCounters.handshakes[failure] += 1;
    // Below the layer of TLS, which has given up: better than a closed connection that says nothing.
    if (failure === 'plainHttp') this.#socket.end(plainHttpAnswer, 'latin1');
  }

  #awaitHeader(): void {
    this.#head = nothing;
    this.#socket.on('readable', this.#onReadable);
    this.#socket.on('end', this.#onEnd);
  }

  readonly #onReadable = (): void => {
    const piece = this.#socket.read() as Buffer | null;
    if (piece === null || this.#head === undefined) return;
    const head = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
    this.#head = head;
    const found = readProxyHeader(head);
    if (found.kind === 'more') return;
    if (found.kind === 'malformed') return this.#failProxy('malformed');
    if (found.kind === 'absent')
      return this.#front.proxyProtocol === 'require' ? this.#failProxy('missing') : this.#endHeader(head);
    if (found.source !== undefined && !this.#isFor(found.source)) return this.destroy();
    this.#endHeader(head.subarray(found.length));
  };

  readonly #onEnd = (): void => this.#failProxy('closed');

  readonly #onClose = (): void => {
    this.#owner.wheel.cancel(this);
    this.#owner.onLost(this);
  };

  #isFor({ address, port }: { address: string; port: number }): boolean {
    if (!this.#owner.onProxied(this.origin.peerAddress, address)) return false;
    this.origin = { ...this.origin, peerAddress: address, peerPort: port };
    return true;
  }

  #failProxy(failure: ProxyFailure): void {
    this.#head = undefined;
    this.#owner.arrivalCounters.proxy[failure] += 1;
    this.destroy();
  }

  #endHeader(rest: Buffer): void {
    this.#head = undefined;
    this.#socket.off('readable', this.#onReadable);
    this.#socket.off('end', this.#onEnd);
    this.#goOn(rest);
  }

  #goOn(received: Buffer): void {
    const { tls } = this.#front;
    if (tls === undefined) return this.#handOver(this.#socket, received);
    if (received.length > 0) this.#socket.unshift(received);
    tls.accept(this.#socket, this);
  }

  #handOver(socket: Socket, received: Buffer): void {
    this.#owner.wheel.cancel(this);
    this.#socket.off('close', this.#onClose);
    this.#owner.onArrived(this, socket, received);
  }
}

function ignoreError(): void {}
