/** A response whose bytes may be far apart, as a stream of its node: what may be put between events, and its polite end. */

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import type { StreamKind } from '../proxy/response-head.ts';
import type { Timed } from '../proxy/timer-wheel.ts';
import { keepAliveComment, retryField } from './events/event-stream.ts';
import { EventTracker } from './events/event-tracker.ts';
import type { Expiry } from './expiry.ts';
import type { LiveStream, StreamAdmission } from './live-stream.ts';
import type { StreamEnd } from './stream-end.ts';

/** Clients are told to come back after so long, at random, so that they do not all come at once. */
const retryMsMin = 1000;
const retryMsMax = 5000;

/** What the relay does for it. */
export interface StreamedRelay {
  readonly record: ExchangeRecord;
  /** The client does not take what it has been sent. */
  readonly isBehind: boolean;
  /** False: it waits; see `Downstream.sendChunk`. */
  sendStreamBytes(bytes: Buffer): boolean;
  flushStream(): void;
  /** The response ends here, in the gateway's own name; the upstream is let go. */
  endStream(): void;
  /** The client sees that it is not complete. */
  cutStream(): void;
}

export interface StreamedFacts {
  readonly kind: StreamKind;
  readonly admission: StreamAdmission;
  /** Milliseconds, 0 = off. */
  readonly keepAliveMs: number;
  /** It is encoded, so that nothing can be put into it. */
  readonly isEncoded: boolean;
  readonly expiry: Expiry | undefined;
}

export class StreamedResponse implements LiveStream, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly kind: StreamKind;
  readonly admission: StreamAdmission;
  readonly #context: ProxyContext;
  readonly #relay: StreamedRelay;
  readonly #expiry: Expiry | undefined;
  readonly #keepAliveMs: number;
  /** Undefined: nothing can be put into it. */
  readonly #events: EventTracker | undefined;
  #lastByteMs: number;
  #condemnedFor: StreamEnd | undefined;
  #endMs = Infinity;
  #cutMs = Infinity;
  /** It ends at the next gap between events. */
  #isEnding = false;
  /** All of it is on its way: nothing may be put behind. */
  #hasEnded = false;
  #isOver = false;

  constructor(context: ProxyContext, relay: StreamedRelay, facts: StreamedFacts) {
    this.#context = context;
    this.#relay = relay;
    this.kind = facts.kind;
    this.admission = facts.admission;
    this.#expiry = facts.expiry;
    this.#events = facts.kind === 'events' && !facts.isEncoded ? new EventTracker() : undefined;
    this.#keepAliveMs = this.#events === undefined ? 0 : facts.keepAliveMs;
    this.#lastByteMs = context.wheel.coarseMs();
    context.streams.add(this);
    this.#arm();
  }

  get record(): ExchangeRecord {
    return this.#relay.record;
  }

  /** See `Downstream.sendChunk`. */
  take(chunk: Buffer): boolean {
    this.#lastByteMs = this.#context.wheel.coarseMs();
    if (this.#isEnding) return this.#takeLast(chunk);
    this.#events?.take(chunk);
    return this.#relay.sendStreamBytes(chunk);
  }

  condemn(why: StreamEnd, atMs: number, cutMs: number): void {
    if (this.#condemnedFor !== undefined) return;
    this.#condemnedFor = why;
    this.#endMs = atMs;
    this.#cutMs = cutMs;
    this.#arm();
  }

  /** The response is complete, though the client may not have taken all of it: by the deadline it must have. */
  end(): void {
    this.#hasEnded = true;
    this.#endMs = Infinity;
    this.#arm();
  }

  /** It is over, however. */
  close(): void {
    this.#isOver = true;
    this.#context.wheel.cancel(this);
    this.#context.streams.remove(this);
    this.#endMs = Infinity;
    this.#cutMs = Infinity;
  }

  onDue(nowMs: number): void {
    if (this.#expiry?.isOver() === true) this.condemn('expired', nowMs, nowMs + expiredMsMax);
    if (nowMs >= this.#cutMs) return this.cut();
    if (nowMs >= this.#endMs) this.#beginToEnd();
    else if (nowMs >= this.#keepAliveDueMs) this.#keepAlive(nowMs);
    this.#arm();
  }

  get #keepAliveDueMs(): number {
    return this.#keepAliveMs > 0 && !this.#hasEnded ? this.#lastByteMs + this.#keepAliveMs : Infinity;
  }

  /** Not to a client that has not taken what there was before. */
  #keepAlive(nowMs: number): void {
    this.#lastByteMs = nowMs;
    if (this.#events?.isBetween !== true || this.#relay.isBehind) return;
    this.#relay.sendStreamBytes(keepAliveComment);
    this.#relay.flushStream();
  }

  /** Records have no end that could be put there: they have until they are cut to come to their own. */
  #beginToEnd(): void {
    this.#endMs = Infinity;
    if (this.#events === undefined || this.#hasEnded) return;
    this.#isEnding = true;
    if (this.#events.isBetween) this.#end();
  }

  #takeLast(chunk: Buffer): boolean {
    const events = this.#events!;
    const isTaken = this.#relay.sendStreamBytes(chunk.subarray(0, events.takeToGap(chunk)));
    if (events.isBetween) this.#end();
    return isTaken;
  }

  #end(): void {
    this.record.ended = this.#condemnedFor;
    if (this.#condemnedFor === 'drained') this.#context.streams.noteDrained();
    const retryMs = retryMsMin + Math.floor(this.#context.streams.random() * (retryMsMax - retryMsMin));
    this.#relay.sendStreamBytes(retryField(retryMs));
    this.#relay.endStream();
  }

  cut(): void {
    // Time was too short to be told before.
    if (this.#endMs !== Infinity) this.#beginToEnd();
    if (this.#isOver) return;
    this.record.ended = this.#condemnedFor;
    this.close();
    this.#relay.cutStream();
  }

  #arm(): void {
    const expiryMs = this.#condemnedFor === undefined ? (this.#expiry?.nextLookMs() ?? Infinity) : Infinity;
    const dueMs = Math.min(this.#endMs, this.#cutMs, this.#keepAliveDueMs, expiryMs);
    this.#context.wheel.wakeBy(this, dueMs);
  }
}

/** How long what has expired may go on to the end of an event. */
const expiredMsMax = 5000;
