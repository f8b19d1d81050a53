/** A request that may be sent again: to the relay it is one call, whatever becomes of its single tries. */

import type { ResponseHead } from '@causeway/http1/response-head';
import { type Backoff, createBackoff } from '@causeway/runtime/backoff';

import { SentBody } from '../upstream/sent-body.ts';
import { Refused, type Ticket } from '../upstream/service-gate.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { LiveEndpoint } from '../upstream/live-endpoint.ts';
import type { ServiceHandle } from '../upstream/service-handle.ts';
import type {
  FieldList,
  UpstreamCall,
  UpstreamEvents,
  UpstreamFailure,
  UpstreamRequest,
} from './exchange.ts';
import type { ExchangeRecord, RetryResult } from './exchange-record.ts';
import type { ProxyContext } from './proxy-context.ts';
import { retriesAnswer, retriesFailure, type RetryPolicy } from './retry-policy.ts';
import { type TryOwner, UpstreamTry } from './upstream-try.ts';

/** The exchange, as its tries see it. */
export interface RetriedExchange extends UpstreamEvents {
  readonly record: ExchangeRecord;
  /** When all of it has taken too long; Infinity: never. */
  readonly wholeDueMs: number;
  /** The time of a try begins. */
  beginTry(): void;
  /** Nobody is asked for the moment. */
  endTry(): void;
}

/** What all tries have in common. */
export interface RetriedRequest {
  readonly policy: RetryPolicy;
  readonly service: ServiceHandle;
  readonly request: UpstreamRequest;
  /** An endpoint that has not been tried, while there is one. */
  pick(tried: readonly LiveEndpoint[]): LiveEndpoint | undefined;
}

export class RetriedCall implements UpstreamCall, TryOwner {
  readonly events: RetriedExchange;
  readonly #context: ProxyContext;
  readonly #sent: RetriedRequest;
  readonly #body: SentBody;
  readonly #tried: LiveEndpoint[] = [];
  /** Undefined between two tries, and when all is over. */
  #try: UpstreamTry | undefined;
  /** The last one that has answered, though not well. */
  #answered: UpstreamTry | undefined;
  #failure: UpstreamFailure | undefined;
  /** Leave for the try that the backoff is before. */
  #ticket: Ticket = Refused.retries;
  #backoff: Backoff | undefined;
  #cancelBackoff: (() => void) | undefined;
  #isTryReady = false;
  /** The try has its connection, and what is kept of the body has gone there. */
  #takesBody = false;
  /** The client's body has been asked for. */
  #isBodyWanted = false;
  /** The client's body has been told to wait, for this try or for one that takes it. */
  #isStarved = false;
  #isRequestDone: boolean;
  /** No further try is to be made. */
  #isLast = false;
  #trailers: FieldList | undefined;

  constructor(context: ProxyContext, events: RetriedExchange, sent: RetriedRequest) {
    this.#context = context;
    this.events = events;
    this.#sent = sent;
    this.#body = new SentBody(sent.policy.bodyBytesMax);
    this.#isRequestDone = sent.request.bodyLength === 0;
  }

  /** Makes the first try; false: its endpoint takes no more, and the ticket has not been used. */
  start(endpoint: LiveEndpoint, ticket: Ticket): boolean {
    return this.#send(endpoint, ticket);
  }

  get isSecure(): boolean {
    return this.#tried[0]!.pool.isSecure;
  }

  get unsentMark(): number {
    return this.#try?.call?.unsentMark ?? 0;
  }

  get mayTryAgain(): boolean {
    return !this.#isLast && this.#tried.length <= this.#sent.policy.attempts && this.#body.isWhole;
  }

  sendChunk(chunk: Buffer): boolean {
    const call = this.#try?.call;
    if (call !== undefined && this.#takesBody) {
      if (this.mayTryAgain) this.#body.add(chunk);
      this.#isStarved = !call.sendChunk(chunk);
    } else if (call !== undefined || this.#cancelBackoff !== undefined) {
      // Between two tries, or before the next one has its connection: sent there with what is kept, before anything else.
      this.#body.keep(chunk);
      this.#isStarved = true;
    }
    return !this.#isStarved;
  }

  flush(): void {
    this.#try?.call?.flush();
  }

  endRequest(trailers?: FieldList): void {
    this.#isRequestDone = true;
    this.#trailers = trailers;
    // A try that has no connection yet is told behind what is kept for it.
    if (this.#takesBody || !this.#isBodyWanted) this.#try?.call?.endRequest(trailers);
  }

  pauseResponse(): void {
    this.#try?.call?.pauseResponse();
  }

  resumeResponse(): void {
    this.#try?.call?.resumeResponse();
  }

  outlast(): void {
    this.#try?.call?.outlast();
  }

  switchProtocols(events: TunnelPeerEvents): TunnelPeer {
    return this.#try!.call!.switchProtocols(events);
  }

  timeOut(isLast: boolean): boolean {
    const late = this.#try;
    // Between two tries only the whole counts.
    if (late === undefined && !isLast) return true;
    late?.call?.timeOut(isLast);
    if (late?.isPassing === true) return false;
    late?.abort();
    this.#try = undefined;
    if (late !== undefined) this.#noteResult('failure');
    if (!isLast && this.#sent.policy.errors.has('timeout') && this.#tryAgain('timeout')) return true;
    this.#endBackoff();
    if (this.#passEarlier()) return true;
    if (late !== undefined || this.#failure === undefined) return false;
    this.events.onUpstreamFailed(this.#failure);
    return true;
  }

  endTries(): void {
    this.#isLast = true;
    if (this.#cancelBackoff === undefined) return;
    this.#endBackoff();
    this.#passLast();
  }

  abort(): void {
    this.#endBackoff();
    this.#body.forget();
    this.#try?.abort();
    this.#try = undefined;
    this.#answered?.abort();
    this.#answered = undefined;
  }

  onTryReady(): void {
    if (this.#try?.call === undefined) this.#isTryReady = true;
    else this.#startBody(this.#try.call);
  }

  onTryDrain(): void {
    this.#isStarved = false;
    this.events.onUpstreamDrain();
  }

  givesUp(head: ResponseHead): boolean {
    const isBad = retriesAnswer(this.#sent.policy, head);
    this.#noteResult(isBad ? 'failure' : 'success');
    const answered = this.#try;
    if (isBad && this.#tryAgain(`status ${head.status}`)) {
      this.#answered?.abort();
      this.#answered = answered;
      return true;
    }
    this.#body.forget();
    return false;
  }

  onTryFailed(failure: UpstreamFailure): void {
    this.#try = undefined;
    this.#failure = failure;
    this.#noteResult('failure');
    if (retriesFailure(this.#sent.policy, failure) && this.#tryAgain(failure.detail)) return;
    if (!this.#passEarlier()) this.events.onUpstreamFailed(failure);
  }

  /** False: it may not, and what there is will have to do. */
  #tryAgain(why: string): boolean {
    if (!this.mayTryAgain) return false;
    const { service } = this.#sent;
    const { clock, logger } = this.#context;
    const { record, wholeDueMs } = this.events;
    const backoffMs = this.#nextBackoffMs();
    if (clock.monotonicMs() + backoffMs >= wholeDueMs) return false;
    const ticket = service.gate.admitRetry();
    if (ticket < 0) {
      this.#context.observer.onRetry(service.name, refusedResults.get(ticket)!);
      return false;
    }
    const { requestId, endpoint } = record;
    const tries = this.#tried.length;
    logger.debug({ requestId, service: service.name, endpoint, tries, backoffMs, why }, 'trying again');
    this.#try = undefined;
    this.#ticket = ticket;
    this.events.endTry();
    // Not by the wheel: its ticks would bring those that failed together back together.
    this.#cancelBackoff = clock.after(backoffMs, () => this.#onBackoffOver());
    return true;
  }

  #onBackoffOver(): void {
    this.#cancelBackoff = undefined;
    const endpoint = this.#sent.pick(this.#tried);
    if (endpoint !== undefined && this.#send(endpoint, this.#ticket)) return;
    this.#sent.service.gate.leave(this.#ticket);
    this.#passLast();
  }

  #send(endpoint: LiveEndpoint, ticket: Ticket): boolean {
    const { events } = this;
    const next = new UpstreamTry(this, endpoint);
    this.#try = next;
    this.#isTryReady = false;
    this.#takesBody = false;
    this.#tried.push(endpoint);
    events.record.endpoint = endpoint.id;
    events.record.tries = this.#tried.length;
    events.beginTry();
    const { request } = this.#sent;
    const sent = this.#tried.length > 1 ? { ...request, isRetry: true } : request;
    const call = endpoint.pool.send(sent, next, endpoint, ticket);
    if (call === undefined) {
      this.#try = undefined;
      this.#tried.pop();
      events.record.tries = Math.max(this.#tried.length, 1);
      return false;
    }
    // It may have failed at once.
    if (this.#try !== next) return true;
    next.call = call;
    if (this.#isTryReady) this.#startBody(call);
    return true;
  }

  /** A connection is there: sends what is kept of the body, and has the rest come. */
  #startBody(call: UpstreamCall): void {
    this.#takesBody = true;
    if (!this.#isBodyWanted) {
      this.#isBodyWanted = true;
      this.events.onUpstreamReady();
      return;
    }
    let isFull = false;
    for (const piece of this.#body.pieces) isFull = !call.sendChunk(piece);
    if (!this.mayTryAgain) this.#body.forget();
    if (this.#isRequestDone) return call.endRequest(this.#trailers);
    call.flush();
    if (!isFull) this.onTryDrain();
  }

  /** Gives the client the last answer that there was; false: there was none, or it was too long to be kept. */
  #passEarlier(): boolean {
    const answered = this.#answered;
    if (answered?.hasAnswer !== true) return false;
    this.#answered = undefined;
    this.#body.forget();
    this.events.record.endpoint = answered.endpoint.id;
    answered.passAnswer();
    return true;
  }

  /** No further try is made. */
  #passLast(): void {
    if (!this.#passEarlier()) this.events.onUpstreamFailed(this.#failure ?? noMore);
  }

  #nextBackoffMs(): number {
    const { backoffMs: baseMs, maxBackoffMs: maxMs } = this.#sent.policy;
    this.#backoff ??= createBackoff({ baseMs, maxMs });
    return this.#backoff.nextMs();
  }

  #endBackoff(): void {
    if (this.#cancelBackoff === undefined) return;
    this.#cancelBackoff();
    this.#cancelBackoff = undefined;
    this.#sent.service.gate.leave(this.#ticket);
  }

  /** Of a try that was not the first. */
  #noteResult(result: RetryResult): void {
    if (this.#tried.length > 1) this.#context.observer.onRetry(this.#sent.service.name, result);
  }
}

/** The last try has timed out, or its answer was too long to be kept, and there is nobody for another, or no endpoint. */
const noMore: UpstreamFailure = { reason: 'upstream_timeout', detail: 'no other try can be made' };

const refusedResults: ReadonlyMap<Ticket, RetryResult> = new Map([
  [Refused.budget, 'overBudget'],
  [Refused.retries, 'overLimit'],
  [Refused.requests, 'overLimit'],
  [Refused.circuit, 'circuitOpen'],
]);
