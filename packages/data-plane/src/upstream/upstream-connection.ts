/** One connection to an endpoint: HTTP/1.1, one request at a time, and never used again when anything about it is in doubt. */

import type { Socket } from 'node:net';
import { ReadEvent } from '@causeway/http1/body-reader';
import type { ResponseHead } from '@causeway/http1/response-head';
import { ResponseParser } from '@causeway/http1/response-parser';
import { shouldClose } from '@causeway/http1/should-close';
import { requestHeadText } from '@causeway/http1/write-head';
import { BodyLength } from '@causeway/http1/message-head';

import type { FieldList, UpstreamFailure } from '../proxy/exchange.ts';
import type { Timed } from '../proxy/timer-wheel.ts';
import { MessageWriter } from '../socket/message-writer.ts';
import { ownSocket, type SocketOwner } from '../socket/own-socket.ts';
import { ReadMemory } from '../socket/read-memory.ts';
import type { OpeningSocket } from './open-socket.ts';
import type { PoolCall } from './pool-call.ts';
import type { CallCarrier, ConnectionOwner, PooledConnection } from './pooled-connection.ts';
import { connectFailure, protocolFailure, resetFailure } from './upstream-failures.ts';

/** `connecting` -> `free` <-> `busy` -> `gone`, and from everywhere to `gone`. */
type State = 'connecting' | 'free' | 'busy' | 'gone';

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
  #error: Error | undefined;

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
    const { method, target, bodyLength } = call.request;
    const fields = this.#namedFields(call.request.fields);
    this.#state = 'busy';
    this.#call = call;
    this.#hasAnswered = false;
    this.#isHandedOver = true;
    this.requests += 1;
    call.carrier = this;
    this.#parser.begin(method);
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

  abandon(): void {
    this.#call = undefined;
    this.destroy();
  }

  /** Only of one without a request. */
  retire(): void {
    this.destroy();
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
    this.#hasAnswered = true;
    const parser = this.#parser;
    let at = 0;
    for (;;) {
      const event = parser.read(chunk, at);
      at = parser.consumedTo;
      if (event === ReadEvent.more) break;
      if (event === ReadEvent.chunk) this.#isHandedOver = call.events.onUpstreamChunk(parser.chunk);
      else if (event === ReadEvent.head) call.answer(parser.head!);
      else if (event === ReadEvent.informational) call.events.onUpstreamInformational(parser.head!);
      else if (event === ReadEvent.end) return this.#finish(call, at === chunk.length);
      else return this.#fail(protocolFailure(parser.fault!));
      if (this.#call !== call) return;
    }
    call.events.onUpstreamPart();
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
    if (isClean && call.isRequestDone && !shouldClose(head)) {
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
