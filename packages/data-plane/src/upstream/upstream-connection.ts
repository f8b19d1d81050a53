/** One connection to an endpoint: HTTP/1.1, one request at a time, and never used again when anything about it is in doubt. */

import type { Socket } from 'node:net';
import { ReadEvent } from '@causeway/http1/body-reader';
import type { ResponseHead } from '@causeway/http1/response-head';
import { ResponseParser } from '@causeway/http1/response-parser';
import { shouldClose } from '@causeway/http1/should-close';
import { requestHeadText } from '@causeway/http1/write-head';
import { BodyLength } from '@causeway/http1/message-head';

import type { FieldList, SentHandshake, UpstreamFailure } from '../proxy/exchange.ts';
import type { Timed } from '../proxy/timer-wheel.ts';
import { MessageWriter } from '../socket/message-writer.ts';
import { ownSocket, type SocketOwner } from '../socket/own-socket.ts';
import { ReadMemory } from '../socket/read-memory.ts';
import { SocketTunnel } from '../socket/socket-tunnel.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { OpeningSocket } from './open-socket.ts';
import type { PoolCall } from './pool-call.ts';
import type { CallCarrier, ConnectionOwner, PooledConnection } from './pooled-connection.ts';
import { connectFailure, protocolFailure, resetFailure } from './upstream-failures.ts';

/** `connecting` -> `free` <-> `busy` -> `switching` -> `tunnel`, and from everywhere to `gone`. */
type State = 'connecting' | 'free' | 'busy' | 'switching' | 'tunnel' | 'gone';

const nothing = Buffer.alloc(0);

export class UpstreamConnection implements PooledConnection, CallCarrier, SocketOwner {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly openedMs: number;
  freeSinceMs = 0;
  isListed = false;
  hasPlace = true;
  isConnected = false;
  /** By its Keep-Alive field. */
  keptForMs = Infinity;
  requests = 0;
  readonly connectDetail = undefined;
  readonly #writer: MessageWriter;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  readonly #memory: ReadMemory;
  /** Nothing of what has been handed on is in use any more. */
  #isHandedOver = true;
  #state: State = 'connecting';
  #call: PoolCall | undefined;
  #hasAnswered = false;
  /** It carries no request behind this one: it has had all that it may, or is the stream's own that it carries. */
  #isLast = false;
  #isLasting = false;
  #error: Error | undefined;
  /** What has come of the other protocol, while nobody takes it. */
  #early: Buffer = nothing;
  #tunnel: SocketTunnel | undefined;

  /** @throws what `open` throws */
  constructor(owner: ConnectionOwner, nowMs: number, open: (memory: ReadMemory) => OpeningSocket) {
    this.#owner = owner;
    this.openedMs = nowMs;
    this.#memory = new ReadMemory((piece) => this.#read(piece));
    const { socket, readyEvent } = open(this.#memory);
    this.#socket = socket;
    this.#parser = new ResponseParser(owner.headLimits);
    this.#writer = new MessageWriter(socket, () => this.#call?.onDrain());
    ownSocket(socket, this);
    socket.once(readyEvent, () => this.#onReady());
    if (readyEvent === 'secureConnect') {
      socket.on('session', (session: Buffer) => owner.onSession(session));
      this.#memory.useOnce();
    }
  }

  get room(): number {
    return this.#state === 'free' ? 1 : 0;
  }

  get isIdle(): boolean {
    return this.#state === 'free';
  }

  get unsentMark(): number {
    return this.#writer.unsentMark;
  }

  start(call: PoolCall): void {
    const { method, target, bodyLength, handshake } = call.request;
    let fields = this.#namedFields(call.request.fields);
    if (handshake !== undefined) fields = [...fields, ...handshakeFields(handshake)];
    this.#state = 'busy';
    this.#call = call;
    this.#hasAnswered = false;
    this.#isHandedOver = true;
    this.requests += 1;
    call.carrier = this;
    this.#parser.begin(method, handshake !== undefined);
    const isChunked = bodyLength === 'unknown';
    this.#writer.begin(requestHeadText(method, target, fields, writtenLength(method, bodyLength)), isChunked);
    if (bodyLength === 0) this.#writer.flush();
    else call.onReady();
  }

  chunk(chunk: Buffer): boolean {
    return this.#writer.chunk(chunk);
  }

  flush(): void {
    this.#writer.flush();
  }

  /** Trailers stay behind: no upstream has said that it wants them. */
  end(): void {
    this.#writer.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  outlast(): void {
    if (this.#isLasting || !this.#owner.mayLast) return;
    this.#isLasting = true;
    this.#isLast = true;
    this.#owner.onLasting(this);
  }

  switchProtocols(events: TunnelPeerEvents): TunnelPeer {
    this.#state = 'tunnel';
    this.#owner.onLasting(this);
    const given = {
      socket: this.#socket,
      memory: this.#memory,
      writer: this.#writer,
      early: this.#early,
    };
    this.#early = nothing;
    this.#tunnel = new SocketTunnel(given, 'upstream', events, () => this.destroy());
    return this.#tunnel;
  }

  abandon(): void {
    this.#call = undefined;
    this.destroy();
  }

  retire(): void {
    if (this.#state === 'busy') this.#isLast = true;
    else this.destroy();
  }

  destroy(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#socket.destroy();
    this.#owner.onGone(this);
  }

  /** The wheel watches over connecting. */
  onDue(): void {
    if (this.#state === 'connecting') this.#owner.onConnectTimeout(this);
  }

  failToConnect(failure: UpstreamFailure): void {
    this.destroy();
    this.#owner.onConnectFailed(this, failure);
  }

  #onReady(): void {
    this.#state = 'free';
    this.#owner.onFree(this);
  }

  #read(chunk: Buffer): void {
    const call = this.#call;
    // Bytes that nobody asked for: whatever comes next on this connection cannot be trusted.
    if (call === undefined) return this.destroy();
    if (this.#state === 'switching') return this.#readEarly(chunk);
    this.#hasAnswered = true;
    const parser = this.#parser;
    let at = 0;
    for (;;) {
      const event = parser.read(chunk, at);
      at = parser.consumedTo;
      if (event === ReadEvent.more) break;
      if (event === ReadEvent.chunk) this.#isHandedOver = call.events.onUpstreamChunk(parser.chunk);
      else if (event === ReadEvent.head && parser.head!.status === 101)
        return this.#switch(call, chunk.subarray(at));
      else if (event === ReadEvent.head) call.answer(parser.head!);
      else if (event === ReadEvent.informational) call.events.onUpstreamInformational(parser.head!);
      else if (event === ReadEvent.end) return this.#finish(call, at === chunk.length);
      else return this.#fail(protocolFailure(parser.fault!));
      if (this.#call !== call) return;
    }
    call.events.onUpstreamPart();
  }

  /** Whoever asked may agree at once, or later, or not at all. */
  #switch(call: PoolCall, rest: Buffer): void {
    this.#state = 'switching';
    call.answer(this.#parser.head!);
    if (this.#isGone()) return;
    if (this.#tunnel === undefined) this.#readEarly(rest);
    else if (rest.length > 0) this.#tunnel.receive(rest);
  }

  #readEarly(piece: Buffer): void {
    this.#early = Buffer.concat([this.#early, piece]);
    this.#socket.pause();
  }

  #isGone(): boolean {
    return this.#state === 'gone';
  }

  onSocketEnd(): void {
    // Within a TLS handshake; 'close' follows, and tells why there is no connection.
    if (this.#state === 'connecting') return;
    const call = this.#call;
    if (call === undefined) return this.destroy();
    if (this.#parser.finish() === ReadEvent.end) this.#finish(call, false);
    else this.#fail(resetFailure(undefined, this.#hasAnswered));
  }

  onSocketError(error: Error): void {
    this.#error = error;
  }

  onSocketClose(): void {
    if (this.#state === 'gone') return;
    if (this.#state === 'connecting') this.failToConnect(connectFailure(this.#error));
    else if (this.#call === undefined) this.destroy();
    else this.#fail(resetFailure(this.#error, this.#hasAnswered));
  }

  /** HTTP/1.1 wants a Host (RFC 9112 section 3.2); it stands first where there is one. */
  #namedFields(fields: FieldList): FieldList {
    return fields[0] === 'host' ? fields : ['host', this.#owner.authority, ...fields];
  }

  #finish(call: PoolCall, isClean: boolean): void {
    const head = this.#parser.head!;
    this.#call = undefined;
    this.#memory.over(this.#isHandedOver);
    // An upstream may answer before it has the whole request: what is left of it would be taken for the next one.
    if (isClean && call.isRequestDone && !this.#isLast && !shouldClose(head)) {
      this.keptForMs = keepAliveMs(head);
      this.resume();
      this.#state = 'free';
      this.#owner.onFree(this);
    } else {
      this.destroy();
    }
    call.end();
  }

  #fail(failure: UpstreamFailure): void {
    const call = this.#call!;
    const isStale = this.requests > 1 && !this.#hasAnswered && failure.reason === 'upstream_reset';
    this.#call = undefined;
    call.carrier = undefined;
    this.destroy();
    if (isStale && call.takeRepeat()) this.#owner.onStale(call);
    else call.fail(failure);
  }
}

function handshakeFields({ key }: SentHandshake): FieldList {
  const upgrade = ['connection', 'Upgrade', 'upgrade', 'websocket'];
  return key === undefined ? upgrade : [...upgrade, 'sec-websocket-key', key];
}

/** Without a body GET and its like say nothing of it; of the others a server may ask for a length (RFC 9110 section 8.6). */
function writtenLength(method: string, bodyLength: number | 'unknown'): number | undefined {
  if (bodyLength === 'unknown') return BodyLength.chunked;
  if (bodyLength > 0) return bodyLength;
  return method === 'POST' || method === 'PUT' || method === 'PATCH' ? 0 : undefined;
}

/** `Keep-Alive: timeout=5`: less a second, for the answer and the next request pass each other. */
function keepAliveMs(head: ResponseHead): number {
  const value = head.valueOf('keep-alive');
  if (value === undefined) return Infinity;
  const [, seconds] = /(?:^|[,;\s])timeout=(\d{1,9})/i.exec(value) ?? [];
  return seconds === undefined ? Infinity : Math.max(Number(seconds) - 1, 0) * 1000;
}
