/** One connection of a client: its requests one after the other, their answers, and what cannot be read as a request. */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ReadEvent } from '@causeway/http1/body-reader';
import type { Fault } from '@causeway/http1/fault';
import { HeadFact } from '@causeway/http1/message-head';
import type { RequestHead } from '@causeway/http1/request-head';
import { RequestParser } from '@causeway/http1/request-parser';
import { responseHeadText } from '@causeway/http1/write-head';

import type {
  Downstream,
  DownstreamEvents,
  FieldList,
  MessageFault,
  PeerConnection,
  ResponseLength,
} from '../proxy/exchange.ts';
import type { Timed } from '../proxy/timer-wheel.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import { adoptSocket, readInto } from '../socket/adopt-socket.ts';
import { MessageWriter } from '../socket/message-writer.ts';
import { disownSocket, ownSocket, type SocketOwner } from '../socket/own-socket.ts';
import { ReadMemory } from '../socket/read-memory.ts';
import type { ConnectionOrigin } from './arrival.ts';
import { ClientResponse } from './client-response.ts';
import { ClientTunnel } from './client-tunnel.ts';
import type { ConnectionContext, ListenedConnection } from './connection-context.ts';
import { isHttp2Start, startWith } from './http2/preface.ts';
import { messageFaults } from './message-faults.ts';
import { peerConnection } from './peer-connection.ts';

/**
 * `waiting`: for the first byte of a request. `head`: for the rest of its head. `exchange`: a request is being handled. `leaving`: the last
 * answer is on its way, what still comes is thrown away. `closed`.
 */
type State = 'waiting' | 'head' | 'exchange' | 'leaving' | 'closed';

/**
 * How long a client is listened to after its last answer, from the last byte that it sends and in all: closing at once would make its
 * kernel throw the answer away (RFC 9112 section 9.6).
 */
const lingerMs = 2000;
const lingerMsMax = 30_000;
/** How long a connection that is to end waits for a request that may be on its way: the first one surely is. Its answer tells the client. */
const firstGraceMs = 10_000;
const idleGraceMs = 1000;

/**
 * Of requests that wait for the ones before, so much is read ahead: only while a socket is read does its end become known, and with it
 * that nobody waits for an answer any more.
 */
const aheadBytesMax = 16_384;

const nothing = Buffer.alloc(0);

/**
 * Pipelined requests are handled one at a time and in order: only safe ones could run side by side (RFC 9112 section 9.3.2), and
 * none may run after an answer that closes the connection. Those that wait are read ahead within bounds, and not looked at.
 */
export class ClientConnection implements ListenedConnection, Downstream, SocketOwner, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ConnectionContext;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly #writer: MessageWriter;
  readonly #memory: ReadMemory;
  readonly #response: ClientResponse;
  #peer: PeerConnection;
  #state: State = 'waiting';
  #deadlineMs = Infinity;
  #requests = 0;
  #requestsInTurn = 0;
  #isTurnAsked = false;
  /** What has arrived and cannot be read yet. */
  #unread: Buffer = nothing;
  #isReading = false;
  /** The client has ended its side. */
  #isHalfClosed = false;
  /** The next answer is to say that it is the last one. */
  #isLeaving = false;
  #lingerEndMs = 0;
  /** What has been read of the first head, while that is incomplete and may be the start of HTTP/2. */
  #start: Buffer = nothing;

  // Of the exchange.
  #events: DownstreamEvents | undefined;
  #isHandling = false;
  /** Nothing of the body that has been handed on is in use any more. */
  #isHandedOver = true;
  #isReceived = false;
  #isBodyWanted = false;
  #isBodyPaused = false;
  #isSent = false;

  /** Takes the place of `accepted`, a socket that has not begun to read; one of TLS stays in its place. */
  constructor(context: ConnectionContext, accepted: Socket, origin: ConnectionOrigin) {
    this.#context = context;
    this.#memory = new ReadMemory((piece) => this.#receive(piece));
    const socket = accepted instanceof TLSSocket ? accepted : adoptSocket(accepted, this.#memory);
    this.#socket = socket;
    this.#parser = new RequestParser(context.headLimits);
    this.#writer = new MessageWriter(socket, () => this.#onEmptied());
    this.#response = new ClientResponse(socket, this.#writer);
    this.#peer = peerConnection(context.socketKey, socket.localPort ?? 0, origin);
    ownSocket(socket, this);
    if (socket instanceof TLSSocket && readInto(socket, this.#memory)) this.#memory.useOnce();
    else if (socket === accepted) socket.on('data', (piece: Buffer) => this.#memory.deliver(piece));
    this.#watch(context.requestHeadMs);
  }

  get connection(): PeerConnection {
    return this.#peer;
  }

  get head(): RequestHead {
    return this.#parser.head!;
  }

  get unsentMark(): number {
    return this.#writer.unsentMark;
  }

  /** Of the client's side of the port. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Reads on after something that kept it from reading. */
  advance(): void {
    if (this.#isReading || this.#state === 'closed') return;
    const chunk = this.#unread;
    this.#unread = nothing;
    // The end of a body takes no byte, and may be all that is left to read.
    if (chunk.length > 0 || this.#mayReadBody()) this.#read(chunk);
    if (this.#isHalfClosed) {
      if (this.#unread.length === 0 && this.#state === 'waiting') this.#onEndOfBytes();
    } else if (!this.#isBodyHeld() && this.#unread.length < aheadBytesMax && this.#socket.isPaused()) {
      this.#socket.resume();
    }
  }

  /** Later requests belong to another socket of the table: the port has moved, and takes this connection along. */
  moveTo(socketKey: string): void {
    if (this.#peer.socketKey !== socketKey) this.#peer = { ...this.#peer, socketKey };
  }

  /** What came before this connection had its socket. */
  begin(received: Buffer): void {
    if (received.length > 0) this.#receive(received);
  }

  leaveAfterNext(): void {
    this.#isLeaving = true;
  }

  /** Ends the connection with its next answer, or when none is asked for any more. */
  leave(): void {
    this.#isLeaving = true;
    if (this.#state !== 'waiting' || this.#unread.length > 0) return;
    const leftMs = Math.max(this.#deadlineMs - this.#context.wheel.coarseMs(), 1);
    this.#watch(Math.min(leftMs, this.#requests === 0 ? firstGraceMs : idleGraceMs));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onDue(nowMs: number): void {
    if (this.#deadlineMs > nowMs) return this.#arm();
    const { timeoutCounters } = this.#context;
    if (this.#state === 'waiting') {
      if (!this.#isLeaving) timeoutCounters[this.#requests === 0 ? 'requestHead' : 'keepAlive'] += 1;
      this.#farewell();
    } else if (this.#state === 'head') {
      timeoutCounters.requestHead += 1;
      this.#refuse('too_slow', undefined);
    } else if (this.#state === 'leaving') this.#socket.destroy();
  }

  startBody(): void {
    this.#isBodyWanted = true;
    const expects = (this.head.facts & HeadFact.expectsContinue) !== 0;
    // A client that sends already waits for nothing.
    if (expects && this.#unread.length === 0 && !this.#response.isHeadSent) this.sendInformational(100, []);
    this.advance();
  }

  pauseBody(): void {
    this.#isBodyPaused = true;
    this.#socket.pause();
  }

  resumeBody(): void {
    this.#isBodyPaused = false;
    this.advance();
  }

  sendInformational(status: number, fields: FieldList): void {
    this.#response.sendInformational(this.head, status, fields);
  }

  sendHead(status: number, fields: FieldList, length: ResponseLength | undefined, close: boolean): void {
    this.#response.sendHead(this.head, status, fields, length, close || this.#mustLeave());
  }

  sendChunk(chunk: Buffer): boolean {
    return this.#writer.chunk(chunk);
  }

  switchProtocols(fields: FieldList, events: TunnelPeerEvents): TunnelPeer {
    this.#state = 'closed';
    this.#events = undefined;
    this.#context.wheel.cancel(this);
    this.#response.switchProtocols(fields);
    const early = this.#unread;
    const given = { socket: this.#socket, memory: this.#memory, writer: this.#writer, early };
    const tunnel = new ClientTunnel(this.#context, this.#peer, given, events);
    this.#context.onSwitched(this, tunnel);
    return tunnel;
  }

  flush(): void {
    this.#writer.flush();
  }

  takeBack(): boolean {
    return this.#writer.takeBack();
  }

  endResponse(): void {
    this.#response.end();
    if (this.#writer.isEmpty) this.#onSent();
  }

  reset(): void {
    this.#response.reset();
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'leaving') {
      this.#deadlineMs = Math.min(this.#context.wheel.coarseMs() + lingerMs, this.#lingerEndMs);
    } else if (this.#unread.length > 0) {
      this.#keep(chunk);
    } else {
      if (!this.#isTurnAsked) this.#requestsInTurn = 0;
      this.#read(chunk);
    }
  }

  /** The client sends no more; it may still wait for its answer (RFC 9112 section 9.6). */
  onSocketEnd(): void {
    this.#isHalfClosed = true;
    if (this.#state === 'leaving') this.#socket.destroy();
    else this.#onHalfClosed();
  }

  onSocketError(): void {
    // `onSocketClose` tells all that matters.
  }

  onSocketClose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#unread = nothing;
    this.#context.wheel.cancel(this);
    const events = this.#takeEvents();
    this.#context.onConnectionClosed(this);
    events?.onDownstreamClosed();
  }

  #read(chunk: Buffer): void {
    this.#isReading = true;
    const at = this.#readFrom(chunk);
    this.#isReading = false;
    if (this.#mayReadBody()) this.#events?.onRequestPart();
    if (this.#state === 'leaving' || this.#state === 'closed') return;
    if (at < chunk.length) this.#keep(chunk.subarray(at));
    if (this.#isHalfClosed) this.#onHalfClosed();
  }

  /** Adds to what waits to be read: a copy, for what it was read into is not ours to keep. */
  #keep(rest: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, rest]);
    if (this.#isHandedOver) this.#memory.over(true);
    if (this.#unread.length < aheadBytesMax) return;
    this.#socket.pause();
    if (this.#isReceived) this.#events?.onDownstreamUnseen();
  }

  /** Gives how far it came: behind that is what must wait. */
  #readFrom(chunk: Buffer): number {
    const parser = this.#parser;
    let at = 0;
    while (this.#mayRead()) {
      const event = parser.read(chunk, at);
      at = parser.consumedTo;
      switch (event) {
        case ReadEvent.more:
          if (this.#state === 'waiting' && parser.isWithinRequest) this.#onHeadBegun();
          if (this.#requests === 0) this.#start = startWith(this.#start, chunk);
          return at;
        case ReadEvent.head:
          // Without a body the end is no news to anybody.
          if (parser.head!.bodyLength === 0) {
            parser.read(chunk, at);
            this.#isReceived = true;
          }
          this.#begin();
          break;
        case ReadEvent.chunk:
          this.#isHandedOver = this.#events?.onRequestChunk(parser.chunk) ?? true;
          break;
        case ReadEvent.end:
          this.#isReceived = true;
          this.#memory.over(this.#isHandedOver);
          this.#events?.onRequestEnd();
          break;
        default:
          if (!this.#handOver(chunk)) this.#onFault(parser.fault!);
          return chunk.length;
      }
    }
    return at;
  }

  /** Whether what comes next may be handled now. */
  #mayRead(): boolean {
    if (this.#state === 'exchange') return this.#mayReadBody();
    if (this.#state !== 'waiting' && this.#state !== 'head') return false;
    if (!this.#context.isLive) return false;
    if (this.#requestsInTurn < this.#context.pipelinedMax) return true;
    // One client must not keep the others waiting: its next requests come in another turn.
    if (!this.#isTurnAsked) setImmediate(nextTurn, this);
    this.#isTurnAsked = true;
    return false;
  }

  #mayReadBody(): boolean {
    return this.#state === 'exchange' && !this.#isReceived && this.#isBodyWanted && !this.#isBodyPaused;
  }

  #isBodyHeld(): boolean {
    return this.#state === 'exchange' && !this.#isReceived && this.#isBodyPaused;
  }

  /** For `setImmediate`. */
  takeTurn(): void {
    this.#isTurnAsked = false;
    this.#requestsInTurn = 0;
    this.advance();
  }

  #onHeadBegun(): void {
    this.#state = 'head';
    // From the first byte; the first head of a connection from its beginning.
    if (this.#requests > 0) this.#watch(this.#context.requestHeadMs);
  }

  #begin(): void {
    this.#state = 'exchange';
    this.#deadlineMs = Infinity;
    this.#requests += 1;
    this.#requestsInTurn += 1;
    this.#isBodyWanted = false;
    this.#isBodyPaused = false;
    this.#response.begin();
    this.#isSent = false;
    this.#isHandedOver = true;
    this.#isHandling = true;
    const events = this.#context.handler.handle(this);
    this.#isHandling = false;
    this.#events = events;
    if (this.#isSent) this.#finish();
  }

  /** The system has taken what it had not taken at once. */
  #onEmptied(): void {
    if (this.#state !== 'exchange') return;
    if (this.#response.isEnded) this.#onSent();
    else this.#events?.onDownstreamDrain();
  }

  #onSent(): void {
    if (this.#state !== 'exchange') return;
    this.#isSent = true;
    // The events are not known before `handle` has returned.
    if (!this.#isHandling) this.#finish();
  }

  #finish(): void {
    const events = this.#takeEvents();
    if (this.#response.isLast || !this.#isReceived) {
      this.#farewell();
    } else {
      this.#state = 'waiting';
      this.#isReceived = false;
      this.#watch(this.#context.keepAliveMs);
    }
    events?.onResponseSent();
    if (this.#state !== 'waiting') return;
    if (this.#isLeaving && this.#unread.length === 0) this.#farewell();
    else this.advance();
  }

  #takeEvents(): DownstreamEvents | undefined {
    const events = this.#events;
    this.#events = undefined;
    return events;
  }

  /** What cannot be read may be the start of HTTP/2 (RFC 9113 section 3.3): only then is it looked for, so HTTP/1.1 pays nothing. */
  #handOver(chunk: Buffer): boolean {
    // Over TLS it would have been agreed on.
    const isPossible = this.#context.isHttp2Allowed && this.#peer.tls === undefined;
    if (this.#requests > 0 || this.#state === 'exchange' || !isPossible) return false;
    const bytes = Buffer.concat([this.#start, chunk]);
    if (this.#parser.fault?.code !== 'version_not_supported' || !isHttp2Start(bytes)) return false;
    this.#state = 'closed';
    this.#context.wheel.cancel(this);
    this.#socket.pause();
    disownSocket(this.#socket);
    this.#context.onHttp2(this, this.#socket, bytes);
    return true;
  }

  #onFault({ code, detail }: Fault): void {
    const fault = messageFaults[code];
    if (this.#state !== 'exchange') return this.#refuse(fault, detail);
    // Told once: nothing that comes now is read.
    this.#isBodyWanted = false;
    this.#events?.onRequestFault(fault);
  }

  #onHalfClosed(): void {
    const isExchange = this.#state === 'exchange';
    if (isExchange && this.#isReceived) this.#events?.onDownstreamHalfClosed();
    // Its end is told when the body may flow again.
    else if (isExchange && this.#parser.isBodyWhole) return;
    else if (this.#unread.length === 0) this.#onEndOfBytes();
  }

  /** All that the client has sent is read, and no more will come. */
  #onEndOfBytes(): void {
    if (this.#state === 'exchange' && this.#parser.fault !== undefined) return;
    const fault = this.#parser.finish();
    if (this.#state === 'exchange') {
      if (fault !== undefined && !this.#isReceived) this.#events?.onRequestFault('incomplete');
    } else if (fault === undefined) this.#socket.end();
    else this.#socket.destroy();
  }

  /** Answers what is no request. All that came before it is answered. */
  #refuse(fault: MessageFault, detail: string | undefined): void {
    // Whoever sent nothing at all waits for no answer.
    if (this.#socket.bytesRead === 0) {
      this.#socket.destroy();
      return;
    }
    const { status, fields, body } = this.#context.handler.refuse(this.#peer, fault, detail);
    const sentBody = this.#parser.isForHead ? '' : body;
    this.#socket.write(responseHeadText(status, fields, body.length, true) + sentBody, 'latin1');
    this.#farewell();
  }

  /** Ends our side, and goes on reading for a while. */
  #farewell(): void {
    this.#state = 'leaving';
    this.#unread = nothing;
    this.#socket.end();
    this.#lingerEndMs = this.#context.wheel.coarseMs() + lingerMsMax;
    this.#watch(lingerMs);
    if (!this.#isHalfClosed && this.#socket.isPaused()) this.#socket.resume();
  }

  /** Whether the connection ends with this exchange for reasons of its own. */
  #mustLeave(): boolean {
    const { requestsMax } = this.#context;
    return this.#isLeaving || (requestsMax > 0 && this.#requests >= requestsMax);
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

function nextTurn(connection: ClientConnection): void {
  connection.takeTurn();
}
