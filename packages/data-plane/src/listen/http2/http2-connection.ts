/** One HTTP/2 connection of a client: its session, the requests that are under way on it, and what it may cost. */

import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { HeadLimits } from '@causeway/http1/limits';

import type { PeerConnection } from '../../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../../proxy/timer-wheel.ts';
import { watchEnd } from '../../socket/keep-session.ts';
import { ownSocket, type SocketOwner } from '../../socket/own-socket.ts';
import type { ConnectionContext, ListenedConnection } from '../connection-context.ts';
import { Allowance, controlFramesMax } from './allowance.ts';
import { shutdownNotice } from './goaway.ts';
import type { GoawayReason, Http2Counters } from './http2-counters.ts';
import { Http2Stream, type StreamOwner } from './http2-stream.ts';
import { readRequest } from './read-request.ts';
import { refuseStream } from './refuse-stream.ts';
import { sessionOptions } from './session-options.ts';
import { StreamFaults } from './stream-faults.ts';

/**
 * `open`. `holding`: the connection is about to end, and the ends of its answers wait. `noticed`: the client has been told to make another one,
 * and what it has sent meanwhile is still served. `leaving`: it knows which of its requests are the last. `ended`: the last is over, and the client
 * is to close. `closed`.
 */
type State = 'open' | 'holding' | 'noticed' | 'leaving' | 'ended' | 'closed';

/** How long a client has for the way there and back of the PINGs of a step. */
const stepMsMax = 1000;
/** The acknowledgement of the first may overtake what the client had ready to send. */
const stepPings = 2;
/** PING and what little else may be out when its acknowledgement comes, so that there surely is room for the notice. */
const unreadBytesMax = 512;
/** How long it is waited for when all is over. */
const lingerMs = 2000;
/** How long the client has to take what the system has of a connection that ends, when its requests are over. */
const takenMsMax = 10_000;

export class Http2Connection implements ListenedConnection, SocketOwner, StreamOwner, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ConnectionContext;
  readonly #headLimits: HeadLimits;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #controlFrames = new Allowance(controlFramesMax);
  readonly #faults: StreamFaults;
  #peer: PeerConnection;
  #state: State = 'open';
  #deadlineMs = Infinity;
  #requests = 0;
  #requestsMax: number;
  #streams = 0;
  /** Streams whose end the runtime has, and may not have sent. */
  #ending = 0;
  /** Of what has been written so much had not been written when the PING was sent that the client has acknowledged last. */
  #readBytes = -Infinity;
  /** Streams whose end waits for GOAWAY; undefined: none has to. */
  #held: Http2Stream[] | undefined;

  /** Takes over `socket`, which is paused and belongs to nobody. `bytes` are what has been read of it: all from its beginning. */
  constructor(context: ConnectionContext, peer: PeerConnection, socket: Socket, bytes: Buffer) {
    this.#context = context;
    this.#headLimits = context.headLimits;
    this.#peer = peer;
    this.#socket = socket;
    ownSocket(socket, this);
    // With nothing unread nobody else would begin to read.
    if (bytes.length > 0) socket.unshift(bytes);
    else socket.resume();
    const session = performServerHandshake(socket, sessionOptions(context.streamsMax, context.headLimits));
    this.#session = session;
    this.#faults = new StreamFaults(session, () => context.wheel.coarseMs());
    session.on('stream', (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw));
    session.on('ping', () => this.#onControlFrame());
    session.on('remoteSettings', () => this.#onControlFrame());
    // What is wrong has been told the client; `close` of the socket follows.
    session.on('error', (error: NodeJS.ErrnoException) => this.#onSessionError(error));
    session.on('close', () => this.#onSessionEnd());
    context.http2Counters.connections += 1;
    this.#requestsMax = context.requestsMax || Infinity;
    this.#watch(context.keepAliveMs);
  }

  get connection(): PeerConnection {
    return this.#peer;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get wheel(): TimerWheel {
    return this.#context.wheel;
  }

  get counters(): Http2Counters {
    return this.#context.http2Counters;
  }

  get isAlive(): boolean {
    return !this.#session.destroyed;
  }

  /** Nothing keeps it from reading: a port has its table before the first byte is read. */
  advance(): void {}

  moveTo(socketKey: string): void {
    if (this.#peer.socketKey !== socketKey) this.#peer = { ...this.#peer, socketKey };
  }

  leaveAfterNext(): void {
    this.#requestsMax = 1;
  }

  /**
   * Ends the connection without failing what the client sends before it knows (RFC 9113 section 6.8). Who sends a request when it has an answer
   * has none on the way, nor ready to send, after a PING that no end of an answer has followed: clients drop what is ready when they are told.
   */
  leave(): void {
    this.#leave('leaving');
  }

  #leave(reason: GoawayReason): void {
    if (this.#state !== 'open' || !this.isAlive) return;
    this.counters.goaways[reason] += 1;
    this.#state = 'holding';
    this.#held = [];
    this.#watch(stepMsMax);
    if (this.#ending === 0) this.#ping(stepPings);
  }

  /** PINGs go before the ends that wait within the runtime, and so wait for these. */
  onEndOut(): void {
    this.#ending -= 1;
    if (this.#ending === 0 && this.#state === 'holding') this.#ping(stepPings);
  }

  mayEnd(stream: Http2Stream): boolean {
    if (this.#held !== undefined) this.#held.push(stream);
    else this.#ending += 1;
    return this.#held === undefined;
  }

  /** So many, one after the other, and then the next step. */
  #ping(left: number): void {
    if (!this.isAlive) return;
    // What has come with the acknowledgement is read first, for GOAWAY to count it.
    if (left === 0) return void setImmediate(() => this.#advanceEnd());
    const { bytesWritten } = this.#socket;
    this.#session.ping((error) => {
      if (error === null) this.#readBytes = bytesWritten;
      this.#ping(left - 1);
    });
  }

  #advanceEnd(): void {
    if (!this.isAlive) return;
    if (this.#state === 'holding' && this.#mayNotice()) this.#notice();
    else if (this.#state === 'holding' || this.#state === 'noticed') this.#close();
  }

  /**
   * What is written past the session must be out at once: of a write that waits the runtime believes that it is the session's, and an assertion ends
   * the process. So everything else must have been read by the client. Over TLS two writers exclude each other by another assertion: there the client
   * learns its last stream at once.
   */
  #mayNotice(): boolean {
    return this.#session.encrypted === false && this.#socket.bytesWritten - this.#readBytes <= unreadBytesMax;
  }

  /**
   * For clients that send as they like. The runtime has no such notice: after its GOAWAY it passes over new streams without a word. So the frame is
   * written past it, which on a plain socket cannot cut one of its own in two: it writes whole frames.
   */
  #notice(): void {
    this.#state = 'noticed';
    this.#socket.write(shutdownNotice);
    this.#release();
    this.#watch(stepMsMax);
    this.#ping(stepPings);
  }

  /** The client learns which stream is the last; the session ends with those that are open. */
  #close(): void {
    this.#state = 'leaving';
    // The runtime waits without end for a client that does not read.
    this.#watch(this.#streams === 0 ? takenMsMax : 0);
    this.#session.close();
    this.#release();
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const stream of held) stream.end();
  }

  destroy(): void {
    const { error } = this.#faults;
    // With an error, for without one what is cut would look complete.
    if (error !== undefined) this.#session.destroy(error, constants.NGHTTP2_PROTOCOL_ERROR);
    else if (this.#streams > 0) this.#session.destroy(cut, constants.NGHTTP2_INTERNAL_ERROR);
    else this.#session.destroy();
    this.#socket.destroy();
  }

  onDue(nowMs: number): void {
    if (this.#deadlineMs > nowMs) return this.#arm();
    if (!this.isAlive || this.#state === 'leaving' || this.#state === 'ended') this.#socket.destroy();
    else if (this.#state === 'open') {
      this.#context.timeoutCounters.keepAlive += 1;
      this.#leave('keepAlive');
    } else this.#advanceEnd();
  }

  onSocketEnd(): void {
    // Whoever sends no more can read no more either: windows need to be opened, and streams to be reset.
    this.destroy();
  }

  onSocketError(): void {
    // `onSocketClose` tells all that matters.
  }

  onSocketClose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#context.wheel.cancel(this);
    this.counters.connections -= 1;
    this.#session.destroy();
    this.#context.onConnectionClosed(this);
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    stream.on('error', ignore);
    // The client has taken it back before anybody looked at it.
    if (stream.destroyed || stream.closed) return;
    if (this.#state === 'open') this.#deadlineMs = Infinity;
    this.#streams += 1;
    this.#requests += 1;
    this.counters.requests += 1;
    const { handler } = this.#context;
    const isEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (!isEnded) watchEnd(stream);
    const head = readRequest(raw, isEnded, this.#headLimits);
    if ('fault' in head) {
      stream.on('close', () => this.onStreamClosed(stream.rstCode));
      refuseStream(stream, this.wheel, handler.refuse(this.#peer, head.fault, head.detail));
    } else new Http2Stream(this, this.#peer, stream, head).begin(handler);
    if (this.#requests >= this.#requestsMax) this.#leave('maxRequestsPerConnection');
  }

  onStreamClosed(code: number): void {
    this.#faults.onStreamClosed(code);
    this.#streams -= 1;
    if (this.#streams > 0) return;
    if (!this.isAlive || this.#state === 'leaving') this.#watch(takenMsMax);
    else if (this.#state === 'open') this.#watch(this.#context.keepAliveMs);
  }

  #onControlFrame(): void {
    if (this.#controlFrames.take(this.#context.wheel.coarseMs())) return;
    this.counters.goaways.controlFrames += 1;
    this.#session.destroy(tooManyFrames, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #onSessionError({ code }: NodeJS.ErrnoException): void {
    // Others are errors of the socket, or our own.
    if (code?.startsWith('ERR_HTTP2_') === true) this.counters.goaways.misuse += 1;
  }

  #onSessionEnd(): void {
    if (this.#state === 'closed') return;
    this.#state = 'ended';
    this.#watch(lingerMs);
  }

  #watch(timeoutMs: number): void {
    this.#deadlineMs = timeoutMs > 0 ? this.#context.wheel.coarseMs() + timeoutMs : Infinity;
    this.#arm();
  }

  /** `onDue` looks again. Hot path: without a deadline it stays in the wheel, for the next request brings another. */
  #arm(): void {
    if (this.#deadlineMs !== Infinity) this.#context.wheel.wakeBy(this, this.#deadlineMs);
  }
}

const cut = new Error('the connection was cut');
const tooManyFrames = new Error('too many control frames');

/** `close` follows, and what is wrong has been told the client. */
function ignore(): void {}
