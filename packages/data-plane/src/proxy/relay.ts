/** Carries one exchange between client and upstream, whichever is faster, and ends it however it ends. */

import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import type { RouteTimeouts } from '../table/route-entry.ts';
import type { TableGeneration, TableGenerations } from '../table/table-generations.ts';
import type {
  BodyLength,
  Downstream,
  DownstreamEvents,
  HeaderList,
  MessageFault,
  UpstreamCall,
  UpstreamEvents,
  UpstreamFailure,
} from './exchange.ts';
import type { ExchangeObserver, ExchangeRecord } from './exchange-record.ts';
import { joinedHeader } from './header-list.ts';
import { faultRefusal, type Reason, type Refusal, refusalResponse, reasons } from './reasons.ts';
import { type ResponseHead, responseHead } from './response-head.ts';
import type { Timed, TimerWheel } from './timer-wheel.ts';

/** What all exchanges of a node share. */
export interface ProxyContext {
  readonly generations: TableGenerations;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: ExchangeObserver;
  /** Exchanges that are not over. */
  activeRequests: number;
  /** From now on clients are asked to connect anew, which brings them to another node. */
  isDraining: boolean;
}

/** What a request costs at most, once it is known which Route takes it. Milliseconds and bytes; 0 = off. */
export interface RelayLimits extends RouteTimeouts {
  readonly requestBodyIdleMs: number;
  readonly bodyBytesMax: number;
}

const unlimited: RelayLimits = {
  requestMs: 0,
  responseHeadMs: 0,
  idleMs: 0,
  streamIdleMs: 0,
  requestBodyIdleMs: 0,
  bodyBytesMax: 0,
};

/**
 * `asking`: no head has gone to the client. `answering`: the upstream's has. `ending`: the response is complete and on its way.
 * `over`: everything is released.
 */
type Phase = 'asking' | 'answering' | 'ending' | 'over';

export class Relay implements DownstreamEvents, UpstreamEvents, Timed {
  readonly record: ExchangeRecord;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #context: ProxyContext;
  readonly #downstream: Downstream;
  readonly #generation: TableGeneration;
  #limits = unlimited;
  #phase: Phase = 'asking';
  #call: UpstreamCall | undefined;
  #isRequestDone: boolean;
  #isRequestPaused = false;
  #isStream = false;
  #hasResponseBody = true;
  #upstreamStartMs = 0;
  /** When the last byte of the request was received. */
  #requestDoneMs: number;
  #lastByteMs: number;

  constructor(
    context: ProxyContext,
    downstream: Downstream,
    generation: TableGeneration,
    record: ExchangeRecord,
  ) {
    this.#context = context;
    this.#downstream = downstream;
    this.#generation = generation;
    this.record = record;
    // Until the framing is understood, bytes of a body may follow that only closing the connection gets rid of.
    this.#isRequestDone = false;
    this.#requestDoneMs = record.startedMs;
    this.#lastByteMs = record.startedMs;
    context.activeRequests += 1;
    context.observer.onExchangeStart();
  }

  /** From now on the client's body counts as not yet received. Call it as soon as the length is known. */
  expectBody(length: BodyLength): void {
    this.#isRequestDone = length === 0;
  }

  /** Hands over to the upstream that `call` goes to; the body follows. */
  start(call: UpstreamCall, limits: RelayLimits): void {
    // The call may have failed at once, and been answered.
    if (this.#phase !== 'asking') return;
    this.#call = call;
    this.#limits = limits;
    this.#upstreamStartMs = this.#context.clock.monotonicMs();
    this.#context.observer.onUpstreamStart(this.record.service ?? '');
    this.#arm();
    if (!this.#isRequestDone) this.#downstream.startBody();
  }

  /** Answers in the gateway's own name; cuts the connection when the upstream's answer has begun. */
  refuse(refusal: Refusal): void {
    if (this.#phase === 'over') return;
    this.record.reason ??= refusal.reason;
    this.#letGoOfUpstream();
    if (this.#phase !== 'asking') {
      this.#downstream.reset();
      this.#finish();
      return;
    }
    const accept = joinedHeader(this.#downstream.headers, 'accept');
    const { status, headers, body } = refusalResponse(refusal, this.record.requestId, accept);
    this.#answer(status, headers, Buffer.from(body));
  }

  /** Answers without a reason and without a body. */
  answerEmpty(status: number): void {
    this.#answer(status, ['x-request-id', this.record.requestId], Buffer.alloc(0));
  }

  /** For what should not have happened: logged with its stack, and the client learns nothing of it. */
  crash(error: unknown): void {
    this.#context.logger.error({ err: error, requestId: this.record.requestId }, 'exchange failed');
    this.refuse({ reason: 'internal' });
  }

  onRequestChunk(chunk: Uint8Array): void {
    const { record } = this;
    record.bytesIn += chunk.length;
    // The upstream has answered without waiting for the rest.
    if (this.#call === undefined) return;
    const { bodyBytesMax } = this.#limits;
    if (bodyBytesMax > 0 && record.bytesIn > bodyBytesMax)
      return this.refuse({ reason: 'payload_too_large' });
    this.#touch();
    if (!this.#call.sendChunk(chunk)) {
      this.#isRequestPaused = true;
      this.#downstream.pauseBody();
    }
  }

  onRequestEnd(): void {
    this.#isRequestDone = true;
    this.#touch();
    this.#requestDoneMs = this.#lastByteMs;
    this.#call?.endRequest();
    this.#arm();
  }

  onRequestFault(fault: MessageFault): void {
    this.refuse(faultRefusal(fault));
  }

  onUpstreamDrain(): void {
    if (!this.#isRequestPaused) return;
    this.#isRequestPaused = false;
    this.#touch();
    this.#downstream.resumeBody();
  }

  onUpstreamInformational(status: number, headers: HeaderList): void {
    // 100 was answered by the gateway itself, and 101 needs a request for it, which never crosses.
    if (status === 100 || status === 101 || this.#phase !== 'asking') return;
    this.#touch();
    const head = responseHead(this.#downstream.method, status, headers);
    try {
      if (head !== undefined) this.#downstream.sendInformational(status, head.headers);
    } catch {
      // Fields that no client may get: the hint is dropped, which loses nothing.
    }
  }

  onUpstreamHead(status: number, headers: HeaderList): void {
    const head = responseHead(this.#downstream.method, status, headers);
    if (head === undefined) return this.refuse({ reason: 'upstream_protocol_error' });
    try {
      this.#beginAnswer(status, head);
    } catch (error) {
      // A status or a field that must not be sent on; nothing of the head is out.
      const { requestId, service } = this.record;
      this.#context.logger.debug(
        { requestId, service, err: error },
        'the head of an upstream cannot be sent',
      );
      this.refuse({ reason: 'upstream_protocol_error' });
    }
  }

  onUpstreamChunk(chunk: Uint8Array): void {
    if (this.#phase !== 'answering' || !this.#hasResponseBody) return;
    this.record.bytesOut += chunk.length;
    this.#touch();
    if (!this.#downstream.sendChunk(chunk)) this.#call?.pauseResponse();
  }

  onDownstreamDrain(): void {
    this.#touch();
    this.#call?.resumeResponse();
  }

  onUpstreamEnd(): void {
    this.#letGoOfUpstream();
    if (this.#phase !== 'answering') return;
    this.#phase = 'ending';
    this.#touch();
    this.#downstream.endResponse();
  }

  onUpstreamFailed(failure: UpstreamFailure): void {
    const { requestId, service, endpoint } = this.record;
    this.#context.logger.debug({ requestId, service, endpoint, ...failure }, 'upstream failed');
    this.refuse({ reason: failure.reason });
  }

  onResponseSent(): void {
    this.#finish();
  }

  onDownstreamClosed(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'asking') this.record.status = reasons.client_closed.status;
    this.record.reason ??= 'client_closed';
    this.#finish();
  }

  onDue(nowMs: number): void {
    const reason = this.#overdue(nowMs);
    if (reason !== undefined) this.refuse({ reason });
    else this.#arm();
  }

  #beginAnswer(status: number, head: ResponseHead): void {
    // The rest of a body that nobody reads must not stand before the next request.
    const close = this.#context.isDraining || !this.#isRequestDone;
    this.#downstream.sendHead(status, head.headers, head.length, close);
    this.#phase = 'answering';
    this.record.status = status;
    this.#isStream = head.isStream;
    this.#hasResponseBody = head.hasBody;
    this.#touch();
    this.#arm();
  }

  #answer(status: number, headers: HeaderList, body: Uint8Array): void {
    this.#phase = 'ending';
    this.record.status = status;
    this.record.bytesOut = body.length;
    const close = this.#context.isDraining || !this.#isRequestDone;
    this.#downstream.sendHead(status, headers, body.length, close);
    if (body.length > 0) this.#downstream.sendChunk(body);
    this.#downstream.endResponse();
    this.#touch();
    this.#arm();
  }

  /** The moment at which something here takes too long, by what is being waited for now. */
  #nextDueMs(): number {
    const { requestMs, responseHeadMs, idleMs, streamIdleMs, requestBodyIdleMs } = this.#limits;
    const isAsking = this.#phase === 'asking';
    const wholeMs = isAsking || !this.#isStream ? deadline(this.record.startedMs, requestMs) : Infinity;
    if (!isAsking)
      return Math.min(wholeMs, deadline(this.#lastByteMs, this.#isStream ? streamIdleMs : idleMs));
    if (this.#isRequestDone) return Math.min(wholeMs, deadline(this.#requestDoneMs, responseHeadMs));
    return Math.min(wholeMs, deadline(this.#lastByteMs, this.#isRequestPaused ? idleMs : requestBodyIdleMs));
  }

  #overdue(nowMs: number): Reason | undefined {
    if (this.#nextDueMs() > nowMs) return undefined;
    const { requestMs } = this.#limits;
    const isClientSlow = this.#phase === 'asking' && !this.#isRequestDone && !this.#isRequestPaused;
    const isRequestOverdue = requestMs > 0 && this.record.startedMs + requestMs <= nowMs;
    return isClientSlow && !isRequestOverdue ? 'request_timeout' : 'upstream_timeout';
  }

  /** The wheel may wake it too early, never too late: bytes only move the deadline on, and `onDue` looks again. */
  #arm(): void {
    if (this.#phase === 'over') return;
    const dueMs = this.#nextDueMs();
    if (dueMs === Infinity) this.#context.wheel.cancel(this);
    else if (this.wheelPrevious === undefined || dueMs < this.dueMs)
      this.#context.wheel.schedule(this, dueMs);
  }

  #touch(): void {
    this.#lastByteMs = this.#context.clock.monotonicMs();
  }

  #letGoOfUpstream(): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.record.upstreamMs = this.#context.clock.monotonicMs() - this.#upstreamStartMs;
    this.#context.observer.onUpstreamOver(this.record.service ?? '');
    call.abort();
  }

  #finish(): void {
    if (this.#phase === 'over') return;
    this.#letGoOfUpstream();
    this.#phase = 'over';
    const { wheel, clock, observer } = this.#context;
    wheel.cancel(this);
    this.#context.activeRequests -= 1;
    this.record.durationMs = clock.monotonicMs() - this.record.startedMs;
    this.#generation.release();
    try {
      observer.onExchangeOver(this.record);
    } catch (error) {
      // What only watches must not break what it watches.
      this.#context.logger.error({ err: error }, `observer failed: ${messageOf(error)}`);
    }
  }
}

/** A limit of 0 is off. */
function deadline(fromMs: number, limitMs: number): number {
  return limitMs > 0 ? fromMs + limitMs : Infinity;
}
