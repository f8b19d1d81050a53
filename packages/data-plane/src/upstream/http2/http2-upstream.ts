/** One HTTP/2 connection to an endpoint, which carries many requests at once, and never a new one when anything about it is in doubt. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '@causeway/runtime/errors';

import { Allowance, controlFramesMax } from '../../listen/http2/allowance.ts';
import { StreamFaults } from '../../listen/http2/stream-faults.ts';
import type { UpstreamFailure } from '../../proxy/exchange.ts';
import type { Timed } from '../../proxy/timer-wheel.ts';
import { ownSocket, type SocketOwner } from '../../socket/own-socket.ts';
import type { OpeningSocket } from '../open-socket.ts';
import type { PoolCall } from '../pool-call.ts';
import type { ConnectionOwner, PooledConnection } from '../pooled-connection.ts';
import { connectFailure, noWebSockets, protocolFailure, resetFailure } from '../upstream-failures.ts';
import { answerMsMax, Liveness } from './liveness.ts';
import { requestFields } from './request-fields.ts';
import { clientOptions, connectionWindowBytes, streamsMax } from './session-options.ts';
import { goawayFailure, isProtocolError, streamFailure } from './stream-failures.ts';
import { type LostStream, type StreamOwner, UpstreamStream } from './upstream-stream.ts';

/**
 * `connecting`: there is no connection yet. `greeting`: the upstream has not said by its SETTINGS that it speaks HTTP/2, and how many
 * requests it takes at once. `open`. `leaving`: what it carries goes on, and nothing is added. `gone`.
 */
type State = 'connecting' | 'greeting' | 'open' | 'leaving' | 'gone';

export class Http2Upstream implements PooledConnection, StreamOwner, SocketOwner {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly openedMs: number;
  readonly keptForMs = Infinity;
  freeSinceMs = 0;
  isListed = false;
  hasPlace = true;
  isConnected = false;
  requests = 0;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #isSecure: boolean;
  readonly #liveness = new Liveness();
  readonly #controlFrames = new Allowance(controlFramesMax);
  #session: ClientHttp2Session | undefined;
  #faults: StreamFaults | undefined;
  #state: State = 'connecting';
  #streams = 0;
  /** Of these, such as last: streams and tunnels. */
  #lastingStreams = 0;
  #isLasting = false;
  #streamsMax = 0;
  /** Of GOAWAY: streams beyond it nobody has looked at. */
  #lastStream = Infinity;
  /** Of GOAWAY. */
  #goawayCode: number = constants.NGHTTP2_NO_ERROR;
  #unflushed: UpstreamStream[] = [];
  #error: Error | undefined;

  /** @throws what `open` throws */
  constructor(owner: ConnectionOwner, nowMs: number, open: () => OpeningSocket) {
    this.#owner = owner;
    this.openedMs = nowMs;
    const { socket, readyEvent } = open();
    this.#socket = socket;
    this.#isSecure = readyEvent === 'secureConnect';
    ownSocket(socket, this);
    socket.once(readyEvent, () => this.#onConnected());
    if (this.#isSecure) socket.on('session', (session: Buffer) => owner.onSession(session));
  }

  get informationalMax(): number {
    return this.#owner.headLimits.informationalMax;
  }

  get room(): number {
    return this.#state === 'open' ? Math.max(this.#streamsMax - this.#streams, 0) : 0;
  }

  get isIdle(): boolean {
    return this.#streams === 0;
  }

  get connectDetail(): string | undefined {
    return this.#state === 'greeting' ? 'connected, but no SETTINGS of HTTP/2 have come' : undefined;
  }

  start(call: PoolCall): void {
    const { request } = call;
    const fields = requestFields(request, this.#isSecure ? 'https' : 'http', this.#owner.authority);
    this.requests += 1;
    this.#streams += 1;
    this.#watch();
    if (request.handshake !== undefined && this.#session!.remoteSettings.enableConnectProtocol !== true) {
      this.#streams -= 1;
      return call.fail(noWebSockets);
    }
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session!.request(fields, {
        endStream: request.bodyLength === 0 && request.handshake === undefined,
        waitForTrailers: request.mayHaveTrailers,
      });
    } catch (error) {
      // What the runtime refuses to send another connection would not send either.
      this.#streams -= 1;
      return call.fail(protocolFailure({ detail: `not sent: ${messageOf(error)}` }));
    }
    new UpstreamStream(this, call, stream).begin();
    if (this.requests >= requestsMax) this.#leave();
  }

  retire(): void {
    if (this.isIdle) this.destroy();
    else this.#leave();
  }

  destroy(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#owner.wheel.cancel(this);
    this.#session?.destroy(this.#error);
    this.#socket.destroy();
    this.#owner.onGone(this);
  }

  failToConnect(failure: UpstreamFailure): void {
    if (this.#state !== 'connecting' && this.#state !== 'greeting') return;
    this.destroy();
    this.#owner.onConnectFailed(this, failure);
  }

  onDue(nowMs: number): void {
    if (this.#state === 'connecting' || this.#state === 'greeting') this.#owner.onConnectTimeout(this);
    else if (this.#liveness.nextMs > nowMs) this.#owner.wheel.schedule(this, this.#liveness.nextMs);
    else this.#look(nowMs);
  }

  onUnflushed(stream: UpstreamStream): void {
    // Together, and in one write with what else came of the same response.
    if (this.#unflushed.push(stream) === 1) setImmediate(flush, this);
  }

  flush(): void {
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    for (const stream of unflushed) stream.flushResponse();
  }

  /** One of its streams lasts. */
  onStreamLasting(): void {
    this.#lastingStreams += 1;
    this.#outlast();
  }

  onStreamOver(isLasting: boolean): void {
    this.#streams -= 1;
    if (isLasting) this.#lastingStreams -= 1;
    this.#outlast();
    if (this.#state === 'open') {
      if (this.room > 0) this.#owner.onFree(this);
    } else if (this.#state === 'leaving' && this.#streams === 0) this.destroy();
  }

  onStreamLost(call: PoolCall, { id, code, error, isAnswered, isLasting }: LostStream): void {
    this.#faults?.onStreamClosed(code);
    // Without a number it has never been sent.
    const isPassedOver =
      code === constants.NGHTTP2_REFUSED_STREAM || id === undefined || id > this.#lastStream;
    const isConnectionLost = this.#state === 'gone' || this.#session?.destroyed === true;
    if (isConnectionLost) this.#lose(error);
    // RFC 9113 section 8.7: nothing was done with it.
    if (isPassedOver && !isAnswered && call.takeRefusal(this)) this.#owner.onRefused(call, this);
    else if (!isConnectionLost) call.fail(streamFailure(code, isAnswered));
    else if (this.requests > 1 && !isAnswered && call.takeRepeat()) this.#owner.onStale(call);
    else call.fail(this.#lossOf(error, isAnswered));
    this.onStreamOver(isLasting);
  }

  onSocketEnd(): void {
    // Within a TLS handshake; 'close' follows, and tells why there is no connection.
    if (this.#state === 'connecting') return;
    // Whoever sends no more has nothing more to answer: what is complete has been read.
    this.onSocketClose();
  }

  onSocketError(error: Error): void {
    this.#error ??= error;
  }

  onSocketClose(): void {
    this.#error ??= this.#faults?.error;
    if (this.#state === 'connecting' || this.#state === 'greeting')
      this.failToConnect(this.#connectFailure());
    else this.#lose(undefined);
  }

  #onConnected(): void {
    const { alpnProtocol } = this.#socket as TLSSocket;
    if (this.#isSecure && alpnProtocol !== 'h2') {
      const detail = `no HTTP/2: the upstream agreed to ${alpnProtocol === false ? 'no protocol' : alpnProtocol} by ALPN`;
      return this.failToConnect({ reason: 'upstream_connect_failed', detail });
    }
    this.#state = 'greeting';
    const session = connect('http://upstream', {
      ...clientOptions(this.#owner.headLimits.headBytesMax),
      createConnection: () => this.#socket,
    });
    this.#session = session;
    this.#faults = new StreamFaults(session, () => this.#owner.wheel.coarseMs());
    session.on('remoteSettings', ({ maxConcurrentStreams = Infinity }) =>
      this.#onSettings(maxConcurrentStreams),
    );
    session.on('ping', () => this.#onControlFrame());
    session.on('goaway', (code, lastStream) => this.#onGoaway(code, lastStream));
    // What the runtime cannot send it gives up, and the session with its last stream.
    session.on('frameError', () => this.#leave());
    session.on('error', (error) => this.onSocketError(error));
    session.on('close', () => this.onSocketClose());
    session.setLocalWindowSize(connectionWindowBytes);
  }

  #onSettings(maxConcurrentStreams: number): void {
    this.#onControlFrame();
    this.#streamsMax = Math.min(maxConcurrentStreams, streamsMax);
    if (this.#state === 'greeting') {
      this.#state = 'open';
      this.#owner.onFree(this);
    } else if (this.room > 0) this.#owner.onFree(this);
  }

  #onControlFrame(): void {
    if (this.#controlFrames.take(this.#owner.wheel.coarseMs())) return;
    this.#lose(new TooManyFrames());
  }

  #onGoaway(code: number, lastStream: number): void {
    this.#goawayCode = code;
    this.#lastStream = lastStream;
    // The runtime ends the session, at once or with the last of its streams.
    if (this.#state === 'greeting') this.failToConnect(this.#connectFailure());
    else if (this.#state === 'open') process.nextTick(() => this.retire());
    this.#leave();
  }

  #leave(): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#owner.onLeaving(this);
    this.#outlast();
  }

  /** One that takes no further request, and ends nobody knows when, does not stand in the way of others. */
  #outlast(): void {
    const isLasting =
      this.#state === 'leaving' && this.#streams > 0 && this.#streams === this.#lastingStreams;
    if (!isLasting || this.#isLasting) return;
    this.#isLasting = true;
    this.#owner.onLasting(this);
  }

  #lose(error: Error | undefined): void {
    this.#error ??= error;
    this.destroy();
  }

  /** Has the connection looked at while it has requests. */
  #watch(): void {
    const nowMs = this.#owner.wheel.coarseMs();
    const liveness = this.#liveness;
    if (liveness.nextMs === Infinity) liveness.begin(nowMs, this.#socket.bytesRead);
    else liveness.hurry(nowMs);
    this.#owner.wheel.wakeBy(this, liveness.nextMs);
  }

  #look(nowMs: number): void {
    if (this.isIdle) return this.#liveness.rest();
    const judgement = this.#liveness.judge(nowMs, this.#socket.bytesRead);
    if (judgement === 'dead') return this.#lose(new NoAnswer());
    if (judgement === 'ask' && this.#session?.destroyed === false) this.#session.ping(ignore);
    this.#owner.wheel.schedule(this, this.#liveness.nextMs);
  }

  #connectFailure(): UpstreamFailure {
    const failure = connectFailure(this.#error);
    return this.#state === 'greeting' ? { ...failure, detail: `no HTTP/2: ${failure.detail}` } : failure;
  }

  #lossOf(error: Error | undefined, isAnswered: boolean): UpstreamFailure {
    if (this.#goawayCode !== constants.NGHTTP2_NO_ERROR) return goawayFailure(this.#goawayCode, isAnswered);
    const cause = this.#error ?? error;
    if (cause instanceof TooManyFrames || isProtocolError(cause))
      return protocolFailure({ detail: String(cause?.message) });
    return resetFailure(cause, isAnswered);
  }
}

/** A connection has 2 ** 30 numbers for streams of its client (RFC 9113 section 5.1.1): a busy one has used them within a day. */
const requestsMax = 1_000_000_000;

class TooManyFrames extends Error {
  constructor() {
    super('too many control frames');
  }
}

class NoAnswer extends Error {
  constructor() {
    super(`no answer to a PING within ${answerMsMax} ms:`);
  }
}

function flush(connection: Http2Upstream): void {
  connection.flush();
}

/** Whatever came shows that the upstream is there. */
function ignore(): void {}
