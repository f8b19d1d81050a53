/** One request on the connections of an endpoint, from its place in the queue to the end of its response. */

import type { ResponseHead } from '@causeway/http1/response-head';

import type {
  FieldList,
  UpstreamCall,
  UpstreamEvents,
  UpstreamFailure,
  UpstreamRequest,
} from '../proxy/exchange.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { Queued } from './call-queue.ts';
import type { CallCarrier, PooledConnection } from './pooled-connection.ts';
import type { SentBody } from './sent-body.ts';
import type { Ticket } from './service-gate.ts';
import type { LiveEndpoint } from './live-endpoint.ts';
import { TryFailure, type TryOutcome } from './try-outcome.ts';

/** May be sent again when nothing was answered: idempotent (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * So often a request is sent again that no upstream has looked at. Once is not enough: where a connection takes 50 requests and 100 wait, the
 * second half is refused twice.
 */
const refusalsMax = 3;

/** What a call needs of its pool. */
interface CallQueueOwner {
  readonly isSecure: boolean;
  /** Monotonic. */
  nowMs(): number;
  /** Takes a call that has no connection out of the queue. */
  withdraw(call: PoolCall): void;
  /** The call is over. */
  onCallOver(): void;
  /** It was over for want of a response. */
  onCallFailed(failure: UpstreamFailure): void;
}

export class PoolCall implements UpstreamCall, Queued<PoolCall> {
  queueNext: PoolCall | undefined = undefined;
  queuePrevious: PoolCall | undefined = undefined;
  readonly request: UpstreamRequest;
  readonly events: UpstreamEvents;
  /** Undefined while the call waits for one, and when it is over. */
  carrier: CallCarrier | undefined = undefined;
  /** All of the request is sent, or on its way to the socket. */
  isRequestDone: boolean;
  /** Its connection takes more of the body at this moment. */
  #isBodyTaken = false;
  /** Since when it waits for a connection; monotonic. */
  waitingSinceMs = 0;
  /** It has been sent already, and waits among those that go before the others. */
  isRepeated = false;
  /** Only a new connection will do. */
  needsNew = false;
  /** The connection that has refused it. */
  refusedBy: PooledConnection | undefined = undefined;
  /** Of a request with a body that may be sent again; what is kept of it. */
  sentBody: SentBody | undefined = undefined;
  /** What follows the body; undefined while it is not known, or nothing. */
  trailers: FieldList | undefined = undefined;
  readonly #owner: CallQueueOwner;
  readonly #endpoint: LiveEndpoint | undefined;
  readonly #startedMs: number;
  #ticket: Ticket;
  #isOver = false;
  #refusals = 0;
  /** Of the final head; 0 before it. */
  #status = 0;
  #headMs: number | undefined;

  /** The Service of `endpoint` is told how it goes, and gets its `ticket` back in the end. */
  constructor(
    owner: CallQueueOwner,
    request: UpstreamRequest,
    events: UpstreamEvents,
    endpoint: LiveEndpoint | undefined,
    ticket: Ticket,
  ) {
    this.#owner = owner;
    this.request = request;
    this.events = events;
    this.isRequestDone = request.bodyLength === 0;
    this.#endpoint = endpoint;
    this.#ticket = ticket;
    this.#startedMs = owner.nowMs();
    endpoint?.service.begin(endpoint);
  }

  get isSecure(): boolean {
    return this.#owner.isSecure;
  }

  get unsentMark(): number {
    return this.carrier?.unsentMark ?? 0;
  }

  /** Whether the request may be sent once more: nobody can tell the difference, and it was not done before. */
  takeRepeat(): boolean {
    const { method, bodyLength, isRetry } = this.request;
    if (this.isRepeated || isRetry === true || bodyLength !== 0 || !repeatable.has(method)) return false;
    this.isRepeated = true;
    this.needsNew = true;
    return true;
  }

  /** The same of one that nobody has looked at, whatever its method (RFC 9113 section 8.7), if its body is still at hand. */
  takeRefusal(by: PooledConnection): boolean {
    if (this.#refusals >= refusalsMax || this.sentBody?.isWhole === false) return false;
    this.#refusals += 1;
    this.isRepeated = true;
    this.refusedBy = by;
    this.#isBodyTaken = false;
    return true;
  }

  /** There is a connection, which takes the body from its beginning. */
  onReady(): void {
    this.#isBodyTaken = true;
    this.events.onUpstreamReady();
  }

  /** Its connection takes more. */
  onDrain(): void {
    this.#isBodyTaken = true;
    this.events.onUpstreamDrain();
  }

  sendChunk(chunk: Buffer): boolean {
    if (this.carrier !== undefined) {
      this.#isBodyTaken = this.carrier.chunk(chunk);
      return this.#isBodyTaken;
    }
    // It waits for another connection; what comes meanwhile is sent there, and is the last that may come.
    if (this.#isOver || this.sentBody === undefined) return true;
    this.sentBody.keep(chunk);
    return false;
  }

  flush(): void {
    this.carrier?.flush();
  }

  endRequest(trailers?: FieldList): void {
    this.isRequestDone = true;
    this.trailers = trailers;
    this.carrier?.end(trailers);
  }

  pauseResponse(): void {
    this.carrier?.pause();
  }

  resumeResponse(): void {
    this.carrier?.resume();
  }

  outlast(): void {
    this.carrier?.outlast();
  }

  switchProtocols(events: TunnelPeerEvents): TunnelPeer {
    return this.carrier!.switchProtocols(events);
  }

  abort(): void {
    // An endpoint that has answered has done its part.
    this.#giveUp(this.#status > 0 ? this.#status : TryFailure.abandoned);
  }

  timeOut(): boolean {
    if (this.#isClientAwaited) this.abort();
    else this.#giveUp(TryFailure.timeout);
    return false;
  }

  /** The final head has come. */
  answer(head: ResponseHead): void {
    this.#status = head.status;
    this.#headMs = this.#owner.nowMs() - this.#startedMs;
    if (this.#endpoint !== undefined)
      this.#ticket = this.#endpoint.service.gate.judgeHead(this.#ticket, head.status);
    this.events.onUpstreamHead(head);
  }

  /** The response is complete; the connection has been taken care of. */
  end(trailers?: FieldList): void {
    if (this.#isOver) return;
    this.#over(this.#status);
    this.events.onUpstreamEnd(trailers);
  }

  fail(failure: UpstreamFailure): void {
    if (this.#isOver) return;
    const outcome = outcomes[failure.reason];
    // An upstream has time limits as well, for clients that send nothing.
    const isCutOff = outcome === TryFailure.reset && this.#status === 0 && this.#isClientAwaited;
    this.#over(isCutOff || failure.isBlameless === true ? TryFailure.abandoned : outcome);
    this.#owner.onCallFailed(failure);
    this.events.onUpstreamFailed(failure);
  }

  /** The upstream has had all of the request that there is, and the rest is the client's to send. */
  get #isClientAwaited(): boolean {
    return this.#isBodyTaken && !this.isRequestDone;
  }

  #giveUp(outcome: TryOutcome): void {
    if (this.#isOver) return;
    const { carrier } = this;
    this.#over(outcome);
    if (carrier === undefined) this.#owner.withdraw(this);
    else carrier.abandon();
  }

  #over(outcome: TryOutcome): void {
    this.#isOver = true;
    this.carrier = undefined;
    this.sentBody = undefined;
    this.#owner.onCallOver();
    this.#endpoint?.service.finish(this.#endpoint, outcome, this.#headMs, this.#ticket);
  }
}

const outcomes: Readonly<Record<UpstreamFailure['reason'], TryOutcome>> = {
  upstream_connect_failed: TryFailure.connectFailure,
  upstream_reset: TryFailure.reset,
  upstream_protocol_error: TryFailure.protocolError,
  upstream_timeout: TryFailure.timeout,
};
