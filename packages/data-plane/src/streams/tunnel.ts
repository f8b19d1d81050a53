/** A WebSocket from the handshake to its end: what passes between both sides, how long it may, and how it is ended. */

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { UpstreamCall } from '../proxy/exchange.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { tickMs, type Timed } from '../proxy/timer-wheel.ts';
import type { StreamSettings } from '../table/read-streams.ts';
import { Backlog } from './backlog.ts';
import type { Expiry } from './expiry.ts';
import type { LiveStream, StreamAdmission } from './live-stream.ts';
import { type StreamEnd, streamEnds, type StreamOutcome } from './stream-end.ts';
import type { TunnelPeer, TunnelPeerEvents } from './tunnel-peer.ts';
import type { TunnelPass, TunnelPassOwner, TunnelSide } from './websocket/tunnel-pass.ts';

/** How long a peer has to answer a close frame of the node, and then to end its connection. */
const closeMsMax = 5000;
/** How long a peer has to answer the close frame of the other: it may come to the end of a message first (RFC 6455 section 5.5.1). */
const answerMsMax = 30_000;
/** How long one side may go on when the other has ended. */
const halfClosedMsMax = 10_000;

/** What the exchange hands over that asked for the WebSocket. */
export interface TunnelFacts {
  readonly record: ExchangeRecord;
  readonly admission: StreamAdmission;
  readonly settings: StreamSettings;
  /** Milliseconds, 0 = off: without a byte either way, and for a peer that takes nothing. */
  readonly idleMs: number;
  readonly stuckMs: number;
  readonly call: UpstreamCall;
  readonly expiry: Expiry | undefined;
  /** It is over: told once. */
  onOver(): void;
}

/** Makes what passes; it may call back when it is used. */
export type CreatePass = (owner: TunnelPassOwner) => TunnelPass;

export class Tunnel implements LiveStream, Timed, TunnelPeerEvents, TunnelPassOwner {
  readonly kind = 'webSockets';
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ProxyContext;
  readonly #facts: TunnelFacts;
  readonly #pass: TunnelPass;
  #client: TunnelPeer | undefined;
  #upstream: TunnelPeer | undefined;
  readonly #lifeEndMs: number;
  #lastByteMs: number;
  /** Of what was sent to the side; while there is one the other side is not read. */
  #clientBacklog: Backlog | undefined;
  #upstreamBacklog: Backlog | undefined;
  /** Since when the client owes a sign of life; Infinity while it owes none. */
  #pingedMs = Infinity;
  #nextPingMs: number;
  #condemnedFor: StreamEnd | undefined;
  #endMs = Infinity;
  #cutMs = Infinity;
  #isClosing = false;
  #ended: TunnelSide | 'both' | undefined;
  #gone: TunnelSide | undefined;
  #isOver = false;
  #outcome: StreamOutcome | undefined;

  constructor(context: ProxyContext, facts: TunnelFacts, createPass: CreatePass) {
    this.#context = context;
    this.#facts = facts;
    this.#pass = createPass(this);
    const nowMs = context.wheel.coarseMs();
    this.#lastByteMs = nowMs;
    const { lifetimeMs, pingIntervalMs } = facts.settings.webSocket;
    this.#lifeEndMs = lifetimeMs > 0 ? nowMs + lifetimeMs : Infinity;
    this.#nextPingMs = pingIntervalMs > 0 ? nowMs + pingIntervalMs : Infinity;
  }

  get record(): ExchangeRecord {
    return this.#facts.record;
  }

  get admission(): StreamAdmission {
    return this.#facts.admission;
  }

  /** Both sides have agreed. */
  begin(client: TunnelPeer, upstream: TunnelPeer): void {
    this.#client = client;
    this.#upstream = upstream;
    this.#context.streams.add(this);
    this.#arm();
    upstream.begin();
    client.begin();
  }

  condemn(why: StreamEnd, atMs: number, cutMs: number): void {
    if (this.#condemnedFor !== undefined || this.#isClosing) return;
    this.#condemnedFor = why;
    this.#endMs = atMs;
    this.#cutMs = Math.min(this.#cutMs, cutMs);
    this.#arm();
  }

  onPeerBytes(from: TunnelSide, chunk: Buffer): boolean {
    const { record } = this.#facts;
    if (from === 'client') record.bytesIn += chunk.length;
    else record.bytesOut += chunk.length;
    this.#lastByteMs = this.#context.wheel.coarseMs();
    if (from === 'client') this.#pingedMs = Infinity;
    if (this.#isOver || this.#pass.take(from, chunk)) return true;
    this.#peer(from)?.pause();
    this.#noteBacklog(otherSide(from));
    return false;
  }

  onPeerPart(from: TunnelSide): void {
    this.#peer(otherSide(from))?.flush();
  }

  onPeerDrain(side: TunnelSide): void {
    if (side === 'client') this.#clientBacklog = undefined;
    else this.#endUpstreamBacklog();
    this.#peer(otherSide(side))?.resume();
  }

  /** What it has sent goes out before the other side is told that no more comes. */
  onPeerEnd(side: TunnelSide): void {
    this.#ended = this.#ended === undefined || this.#ended === side ? side : 'both';
    this.#peer(otherSide(side))?.end();
    this.#cutWithin(this.#ended === 'both' ? closeMsMax : halfClosedMsMax);
  }

  /** Without an end before it, it was cut, and so is the other side: an ordinary end would look as if it had been meant. */
  onPeerGone(side: TunnelSide): void {
    if (this.#gone !== undefined) return this.#finish();
    this.#gone = side;
    const hasEnded = this.#ended === side || this.#ended === 'both';
    if (!hasEnded && !this.#isEnding) this.#outcome ??= 'cut';
    const other = this.#peer(otherSide(side));
    if (hasEnded) other?.end();
    else other?.destroy();
    // Nobody will tell any more that this side takes bytes; the end of the other may wait behind some.
    this.onPeerDrain(side);
    this.#cutWithin(closeMsMax);
  }

  send(to: TunnelSide, bytes: Buffer): boolean {
    return this.#peer(to)?.send(bytes) ?? true;
  }

  /** Whoever has been told and has answered has nothing more to wait for; the server ends first (RFC 6455 section 7.1.1). */
  onCloseMoved(): void {
    const pass = this.#pass;
    const { record } = this.#facts;
    record.closeCode ??= pass.clientCode ?? pass.upstreamCode;
    if (this.#isClosing && pass.clientCode !== undefined) this.#client?.end();
    if (this.#isClosing && pass.upstreamCode !== undefined) this.#upstream?.end();
    if (this.#haveBothClosed) this.#outcome ??= 'closed';
    this.#cutWithin(this.#haveBothClosed ? closeMsMax : answerMsMax);
  }

  onViolation(code: number, reason: string): void {
    const { record } = this.#facts;
    this.#context.logger.debug({ requestId: record.requestId, route: record.route, code, reason }, 'closed');
    record.closeCode = code;
    this.#outcome = 'refused';
    this.#beginToClose();
  }

  onDue(nowMs: number): void {
    if (this.#isOver) return;
    if (nowMs >= this.#cutMs) return this.cut();
    this.#lookAtBacklogs(nowMs);
    if (nowMs >= this.#slowDueMs) {
      this.#outcome ??= 'slow';
      return this.cut();
    }
    if (!this.#isEnding) this.#look(nowMs);
    this.#arm();
  }

  #look(nowMs: number): void {
    if (nowMs >= this.#endMs) this.#end(this.#condemnedFor!);
    else if (nowMs >= this.#idleDueMs) this.#end('idle');
    else if (nowMs >= this.#lifeEndMs) this.#end('lifetime');
    else if (this.#facts.expiry?.isOver() === true) this.#end('expired');
    else if (nowMs >= this.#pongDueMs) this.#end('unanswered');
    else if (nowMs >= this.#pingDueMs) this.#ping(nowMs);
  }

  /** Nothing is waited for any more but the ends of both connections. */
  get #isEnding(): boolean {
    return this.#isClosing || this.#haveBothClosed;
  }

  get #haveBothClosed(): boolean {
    return this.#pass.clientCode !== undefined && this.#pass.upstreamCode !== undefined;
  }

  get #idleDueMs(): number {
    const { idleMs } = this.#facts;
    return idleMs > 0 ? this.#lastByteMs + idleMs : Infinity;
  }

  /** Who is not read, or is about to close, can give no sign of life. */
  get #pongDueMs(): number {
    return this.#mayPing ? this.#pingedMs + this.#facts.settings.webSocket.pongTimeoutMs : Infinity;
  }

  get #pingDueMs(): number {
    return this.#mayPing ? this.#nextPingMs : Infinity;
  }

  get #mayPing(): boolean {
    const { clientCode, upstreamCode } = this.#pass;
    return this.#upstreamBacklog === undefined && clientCode === undefined && upstreamCode === undefined;
  }

  get #slowDueMs(): number {
    const { stuckMs } = this.#facts;
    if (stuckMs === 0) return Infinity;
    const { movedMs: clientMs = Infinity } = this.#clientBacklog ?? {};
    const { movedMs: upstreamMs = Infinity } = this.#upstreamBacklog ?? {};
    return Math.min(clientMs, upstreamMs) + stuckMs;
  }

  #ping(nowMs: number): void {
    // Within a frame it has to wait for its end, which a client that takes nothing keeps from coming.
    if (!this.#pass.ping()) {
      if (this.#clientBacklog !== undefined) this.#pingedMs = Math.min(this.#pingedMs, nowMs);
      this.#nextPingMs = nowMs + tickMs;
      return;
    }
    this.#client?.flush();
    this.#pingedMs = Math.min(this.#pingedMs, nowMs);
    this.#nextPingMs = nowMs + this.#facts.settings.webSocket.pingIntervalMs;
  }

  #end(why: StreamEnd): void {
    if (this.#isClosing) return;
    const { code, text } = streamEnds[why];
    this.#outcome = why;
    if (why === 'drained') this.#context.streams.noteDrained();
    this.#facts.record.closeCode = code;
    this.#isClosing = true;
    this.#pass.close(code, text);
    this.#beginToClose();
  }

  #beginToClose(): void {
    this.#isClosing = true;
    this.#endMs = Infinity;
    this.#client?.flush();
    this.#upstream?.flush();
    this.#cutWithin(closeMsMax);
    this.#arm();
  }

  #noteBacklog(side: TunnelSide): void {
    const peer = this.#peer(side);
    if (peer === undefined) return;
    if (side === 'client') this.#clientBacklog ??= new Backlog(peer, this.#lastByteMs);
    else this.#upstreamBacklog ??= new Backlog(peer, this.#lastByteMs);
    this.#arm();
  }

  /** The client is read again, and has as long as before to show that it lives. */
  #endUpstreamBacklog(): void {
    if (this.#upstreamBacklog === undefined) return;
    this.#upstreamBacklog = undefined;
    if (this.#pingedMs !== Infinity) this.#pingedMs = this.#context.wheel.coarseMs();
    this.#arm();
  }

  /** What a peer takes passes, however long ago it came; and of a client it is a sign of life. */
  #lookAtBacklogs(nowMs: number): void {
    if (this.#upstreamBacklog?.look(nowMs) === true) this.#lastByteMs = nowMs;
    if (this.#clientBacklog?.look(nowMs) !== true) return;
    this.#lastByteMs = nowMs;
    this.#pingedMs = Infinity;
  }

  #cutWithin(timeMs: number): void {
    this.#cutMs = Math.min(this.#cutMs, this.#context.wheel.coarseMs() + timeMs);
    this.#arm();
  }

  cut(): void {
    // Time was too short to be told before.
    if (this.#condemnedFor !== undefined && !this.#isEnding) this.#end(this.#condemnedFor);
    this.#outcome ??= 'cut';
    this.#client?.destroy();
    this.#upstream?.destroy();
    // What does not tell its end is of no interest any more.
    this.#finish();
  }

  #arm(): void {
    if (this.#isOver) return;
    const dueMs = Math.min(this.#cutMs, this.#slowDueMs, this.#isEnding ? Infinity : this.#ordinaryDueMs());
    this.#context.wheel.wakeBy(this, dueMs);
  }

  #ordinaryDueMs(): number {
    const { expiry } = this.#facts;
    const ends = Math.min(this.#endMs, this.#idleDueMs, this.#lifeEndMs, expiry?.nextLookMs() ?? Infinity);
    return Math.min(ends, this.#pongDueMs, this.#pingDueMs);
  }

  #peer(side: TunnelSide): TunnelPeer | undefined {
    return side === 'client' ? this.#client : this.#upstream;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { record, call } = this.#facts;
    this.#context.wheel.cancel(this);
    this.#context.streams.remove(this);
    this.#pass.end();
    call.abort();
    // Without a close frame an end is no word, only one of the connection.
    record.ended = this.#outcome ?? (record.closeCode === undefined ? 'cut' : 'closed');
    record.durationMs = this.#context.clock.monotonicMs() - record.startedMs;
    this.#facts.onOver();
  }
}

function otherSide(side: TunnelSide): TunnelSide {
  return side === 'client' ? 'upstream' : 'client';
}
