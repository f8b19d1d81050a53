/** Carries one exchange between client and upstream, whichever is faster, and ends it however it ends. */

import type { FilterChain } from '@causeway/filters/filter-chain';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { StreamedRelay, StreamedResponse } from '../streams/streamed-response.ts';
import type { RouteEntry } from '../table/route-entry.ts';
import { protocolFailure } from '../upstream/upstream-failures.ts';
import type { ChoiceRequest } from '../upstream/balancing/choice-request.ts';
import type {
  DownstreamEvents,
  FieldList,
  MessageFault,
  UpstreamCall,
  UpstreamEvents,
  UpstreamFailure,
} from './exchange.ts';
import { CountedExchange } from './counted-exchange.ts';
import type { WaitingFor } from './exchange-watch.ts';
import { FilteredExchange } from './filtered-exchange.ts';
import type { FilteredRelay, FilteredRequest } from './filtered-relay.ts';
import { pendingAnswer, type PendingResponse } from './pending-response.ts';
import { faultRefusal, type Refusal, reasons } from './reasons.ts';
import { downstreamFields, type StreamKind } from './response-head.ts';
import { openStream } from './open-stream.ts';
import { openTunnel, type WebSocketRequest } from './open-tunnel.ts';
import type { RetriedExchange } from './retried-call.ts';

/**
 * `asking`: no head has gone to the client. `answering`: the upstream's has. `ending`: the response is complete and on its way.
 * `over`: everything is released.
 */
type Phase = 'asking' | 'answering' | 'ending' | 'over';

export class Relay
  extends CountedExchange
  implements DownstreamEvents, UpstreamEvents, FilteredRelay, RetriedExchange, StreamedRelay
{
  /** What the choice of its upstream looks at, where it looks at anything. */
  choice: ChoiceRequest | undefined;
  /** Once it is known. */
  route: RouteEntry | undefined;
  /** It asks for a WebSocket. */
  webSocket: WebSocketRequest | undefined;
  #phase: Phase = 'asking';
  #call: UpstreamCall | undefined;
  #isEndingNow = false;
  #isUpstreamReady = false;
  /** Filters want no more of the response's body for now. */
  #isResponseHeld = false;
  #stream: StreamKind | undefined;
  #streamed: StreamedResponse | undefined;
  #isHalfClosed = false;
  /** What the client does is not looked at any more: it may be gone. */
  #isUnseen = false;
  #hasResponseBody = false;

  /** Runs the request through the filters of its Route, which send it in the end. */
  filter(chain: FilterChain, request: FilteredRequest): void {
    this.filters = new FilteredExchange(chain, this, request);
    this.filters.start();
    // A filter may wait, and what it waits for may never come.
    if (this.#call === undefined) this.arm();
  }

  /** Hands over to the upstream that `call` goes to; the body follows. */
  start(call: UpstreamCall): void {
    // The call may have failed at once, and been answered.
    if (this.#phase !== 'asking') return;
    this.#call = call;
    this.context.observer.onUpstreamStart(this.record.service ?? '');
    this.arm();
    if (this.#isUpstreamReady) this.#startBody();
    if (this.#isHalfClosed) call.endTries?.();
  }

  /** Answers in the gateway's own name; cuts the connection when the upstream's answer has begun. */
  refuse(refusal: Refusal): void {
    if (this.#phase === 'over') return;
    this.record.reason ??= refusal.reason;
    this.#letGoOfUpstream();
    if (this.#phase === 'answering' && this.downstream.takeBack()) {
      this.#phase = 'asking';
      this.record.bytesOut = 0;
    }
    const ending =
      this.#phase === 'answering' && this.#hasResponseBody
        ? this.grpc?.endingOf(refusal.reason, refusal.detail)
        : undefined;
    const isBytes = ending !== undefined && 'bytes' in ending;
    // Bytes would stand in the place of those that a filter still has.
    if (ending !== undefined && !(isBytes && this.filters?.responsePass?.isWaiting === true)) {
      if (isBytes) this.#sendResponseChunk(ending.bytes);
      this.endStream('trailers' in ending ? ending.trailers : undefined);
      return;
    }
    if (this.#phase !== 'asking') {
      this.downstream.reset();
      this.#finish();
      return;
    }
    const response = this.describeRefusal(refusal);
    if (this.filters !== undefined) this.filters.respond(response);
    else this.answer(response.status, response.fields, response.body, response.close);
  }

  /** Answers with a whole response; to HEAD without its body. */
  answer(status: number, fields: FieldList, body: Buffer | undefined, close: boolean): void {
    this.record.status = status;
    this.downstream.sendHead(status, this.signed(fields), body?.length, close || this.#mustClose());
    if (body !== undefined && this.downstream.head.method !== 'HEAD') {
      this.record.bytesOut = body.length;
      this.downstream.sendChunk(body);
    }
    this.touch();
    this.#endResponse();
  }

  /** For what should not have happened: logged with its stack, and the client learns nothing of it. */
  crash(error: unknown): void {
    this.context.logger.error({ err: error, requestId: this.record.requestId }, 'exchange failed');
    // Not through filters, which may be what is broken.
    this.filters?.end();
    this.filters = undefined;
    this.refuse({ reason: 'internal' });
  }

  onRequestChunk(chunk: Buffer): boolean {
    const { record } = this;
    record.bytesIn += chunk.length;
    // The upstream has answered without waiting for the rest.
    if (this.#call === undefined && this.filters?.isRequestHeld !== true) {
      this.filters?.dropRequestBody();
      return true;
    }
    if (this.isTooLarge) {
      this.refuse({ reason: 'payload_too_large' });
      return true;
    }
    this.touch();
    const filters = this.filters;
    if (filters === undefined || !filters.takesRequestBody) return this.#sendRequestChunk(chunk);
    filters.takeRequestChunk(chunk);
    return true;
  }

  onRequestPart(): void {
    this.#call?.flush();
  }

  onRequestEnd(trailers?: FieldList): void {
    this.touch();
    this.upload?.end();
    this.watch.requestDoneMs = this.watch.lastByteMs;
    if (this.filters?.takesRequestBody === true) this.filters.takeRequestEnd(trailers);
    else this.#call?.endRequest(trailers);
    this.arm();
  }

  onRequestFault(fault: MessageFault): void {
    this.refuse(faultRefusal(fault));
  }

  onUpstreamReady(): void {
    this.#isUpstreamReady = true;
    if (this.#call !== undefined) this.#startBody();
  }

  onUpstreamSent(): void {
    this.watch.requestDoneMs = this.nowMs();
  }

  onUpstreamDrain(): void {
    this.upload?.drain(this.nowMs());
    this.arm();
  }

  onUpstreamInformational(head: ResponseHead): void {
    // 100 was answered by the gateway itself.
    if (head.status === 100 || this.#phase !== 'asking') return;
    this.touch();
    this.downstream.sendInformational(head.status, downstreamFields(head));
  }

  onUpstreamHead(head: ResponseHead): void {
    const agrees = this.webSocket?.handshake.judge(head) ?? false;
    if (typeof agrees === 'string') return this.onUpstreamFailed(protocolFailure({ detail: agrees }));
    const response = pendingAnswer(head, {
      method: this.method,
      clock: this.context.clock,
      isVia: this.table.gateway.forwarding.via,
      cookies: this.choice?.setCookies(this.downstream.connection.scheme === 'https'),
      isSecure: this.#call?.isSecure === true,
      agrees,
    });
    if (this.grpc !== undefined) this.noted(response.fields);
    if (this.filters === undefined) this.beginAnswer(response);
    else this.filters.respond(response);
  }

  beginAnswer(response: PendingResponse): void {
    const { status, length, stream } = response;
    // A tunnel whose client sends no more is none.
    if (response.agrees && this.#isHalfClosed) return this.#dropClient();
    if (response.agrees) return this.#becomeTunnel(response);
    if (stream !== undefined && this.#isHalfClosed) return this.#dropClient();
    const fields = response.isUpstreams ? this.noted(response.fields) : this.signed(response.fields);
    this.downstream.sendHead(status, fields, length, response.close || this.#mustClose());
    this.#phase = 'answering';
    this.upload?.answer(this.nowMs());
    this.record.status = status;
    this.#stream = stream;
    this.#hasResponseBody = response.hasBody;
    if (stream !== undefined) this.#becomeStream(stream, response);
    this.arm();
  }

  /** All that it needs from now on it holds by itself. */
  #becomeStream(kind: StreamKind, response: PendingResponse): void {
    const { context, route, table, filters } = this;
    const { localPort } = this.downstream.connection;
    if (route === undefined || !this.#hasResponseBody) return;
    this.#streamed = openStream(this, kind, response, { context, route, localPort, table, filters });
    filters?.becomeStream();
    this.#call?.outlast();
    this.letGoOfTable();
  }

  #becomeTunnel({ fields }: PendingResponse): void {
    const { context, record, table, filters } = this;
    const upgrade = {
      context,
      record,
      localPort: this.downstream.connection.localPort,
      table,
      fields,
      route: this.route!,
      timeouts: this.watch.timeouts,
      filters,
      webSocket: this.webSocket!,
      downstream: this.downstream,
      call: this.#call!,
    };
    record.status = 101;
    this.filters?.becomeStream();
    this.#call = undefined;
    this.filters = undefined;
    this.#detach();
    openTunnel(upgrade);
  }

  /** What follows of this exchange is not its own any more. */
  #detach(): void {
    const nowMs = this.nowMs();
    this.#phase = 'over';
    this.context.wheel.cancel(this);
    this.leaveCounts();
    this.record.upstreamMs = nowMs - this.watch.upstreamStartMs;
    this.context.observer.onUpstreamOver(this.record.service ?? '');
    this.tellOver(nowMs, true);
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    if (this.grpc?.receive(chunk) === false) this.refuse({ reason: 'payload_too_large' });
    else if (this.filters === undefined) return this.#sendResponseChunk(chunk);
    else this.filters.takeResponseChunk(chunk);
    return true;
  }

  onUpstreamPart(): void {
    this.touch();
    this.arm();
    this.downstream.flush();
  }

  onDownstreamDrain(): void {
    this.touch();
    this.watch.endBacklog();
    if (!this.#isResponseHeld) this.#call?.resumeResponse();
  }

  onUpstreamEnd(trailers?: FieldList): void {
    this.touch();
    this.#letGoOfUpstream(this.watch.lastByteMs);
    if (trailers !== undefined) this.noted(trailers);
    if (this.filters === undefined) this.endAnswer(trailers);
    else this.filters.takeResponseEnd(trailers);
  }

  endAnswer(trailers?: FieldList): void {
    if (this.#phase !== 'answering') return;
    if (this.filters !== undefined) this.touch();
    this.#endResponse(trailers);
  }

  sendRequestChunk(chunk: Buffer): void {
    this.#sendRequestChunk(chunk);
    // What comes after a wait has no other piece behind it.
    this.#call?.flush();
  }

  endRequest(trailers?: FieldList): void {
    this.#call?.endRequest(trailers);
  }

  cutOff(): void {
    if (this.#phase === 'over') return;
    this.record.status = reasons.client_closed.status;
    this.downstream.reset();
    this.#finish();
  }

  holdRequest(isHeld: boolean): void {
    if (isHeld) this.upload?.hold(this.#call?.unsentMark ?? 0);
    else this.upload?.release(this.nowMs());
    this.arm();
  }

  dropUpstream(): void {
    this.#letGoOfUpstream();
  }

  sendResponseChunk(chunk: Buffer): void {
    this.#sendResponseChunk(chunk);
    this.downstream.flush();
  }

  holdResponse(isHeld: boolean): void {
    this.#isResponseHeld = isHeld;
    if (isHeld) this.#call?.pauseResponse();
    else if (!this.watch.hasBacklog) this.#call?.resumeResponse();
  }

  onUpstreamFailed(failure: UpstreamFailure): void {
    const { requestId, service, endpoint } = this.record;
    this.context.logger.debug({ requestId, service, endpoint, ...failure }, 'upstream failed');
    this.refuse({ reason: failure.reason });
  }

  onDownstreamHalfClosed(): void {
    // Most responses have an end that this client may still wait for; that of a stream may be far, and a WebSocket is of no use to him.
    this.#isHalfClosed = true;
    const isGone = this.#phase === 'answering' ? this.#stream !== undefined : this.webSocket !== undefined;
    if (isGone) this.#dropClient();
    else this.onDownstreamUnseen();
    this.#call?.endTries?.();
  }

  onDownstreamUnseen(): void {
    this.#isUnseen = true;
    this.arm();
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

  #dropClient(): void {
    this.downstream.reset();
    this.onDownstreamClosed();
  }

  #startBody(): void {
    if (this.filters?.isRequestHeld === true) this.filters.sendHeldRequest();
    else this.readRequest();
  }

  readRequest(): void {
    this.upload?.begin(this.nowMs());
    this.arm();
    this.downstream.startBody();
  }

  #sendRequestChunk(chunk: Buffer): boolean {
    if (this.grpc?.send(chunk) === false) {
      this.refuse({ reason: 'payload_too_large' });
      return true;
    }
    const isTaken = this.#call?.sendChunk(chunk) ?? true;
    if (!isTaken) {
      this.upload?.fill(this.#call?.unsentMark ?? 0);
      this.arm();
    }
    return isTaken;
  }

  #sendResponseChunk(chunk: Buffer): boolean {
    if (this.#phase !== 'answering' || !this.#hasResponseBody) return true;
    return this.#streamed === undefined ? this.sendStreamBytes(chunk) : this.#streamed.take(chunk);
  }

  endStream(trailers?: FieldList): void {
    this.#letGoOfUpstream();
    this.filters?.end();
    this.filters = undefined;
    if (this.#phase === 'answering') this.#endResponse(trailers);
  }

  cutStream(): void {
    this.#letGoOfUpstream();
    this.downstream.reset();
    this.#finish();
  }

  sendStreamBytes(chunk: Buffer): boolean {
    this.record.bytesOut += chunk.length;
    const isTaken = this.downstream.sendChunk(chunk);
    if (!isTaken) {
      this.#call?.pauseResponse();
      this.#noteBacklog();
    }
    return isTaken;
  }

  /** Hot path: most responses are out when this returns, and so are over at a time that is known. */
  #endResponse(trailers?: FieldList): void {
    this.#phase = 'ending';
    this.#streamed?.end();
    this.#isEndingNow = true;
    this.downstream.endResponse(trailers && this.noted(trailers));
    this.#isEndingNow = false;
    // Unless the system has taken it all, it may take long.
    if (!this.#isEnding()) return;
    this.#noteBacklog();
    this.arm();
  }

  #isEnding(): boolean {
    return this.#phase === 'ending';
  }

  #noteBacklog(): void {
    this.watch.noteBacklog(this.downstream.unsentMark, this.nowMs());
    this.arm();
  }

  #mustClose(): boolean {
    // The rest of a body that nobody reads must not stand before the next request.
    return this.context.isDraining || this.upload?.isDone === false;
  }

  protected waitingFor(): WaitingFor | undefined {
    if (this.#phase === 'over') return undefined;
    if (this.#phase !== 'asking') return this.#stream === undefined ? 'response' : 'stream';
    const upload = this.upload;
    if (upload === undefined || upload.isDone) return 'head';
    return upload.isPaused ? 'upstream' : 'body';
  }

  protected get isUnseen(): boolean {
    const upload = this.upload;
    return this.#isUnseen || (upload !== undefined && upload.isPaused && !upload.isDone);
  }

  protected get slowPeerMark(): number | undefined {
    if (this.#phase !== 'asking') return this.watch.hasBacklog ? this.downstream.unsentMark : undefined;
    return this.upload?.isPaused === false ? undefined : (this.#call?.unsentMark ?? 0);
  }

  protected onOverdue(waitingFor: WaitingFor, nowMs: number): void {
    const reason = this.watch.overdueReason(waitingFor, nowMs);
    if (reason === 'upstream_timeout' && this.#call?.timeOut(this.watch.isOverWithTries(waitingFor, nowMs)))
      this.arm();
    else this.refuse({ reason });
  }

  #letGoOfUpstream(nowMs: number = this.nowMs()): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.watch.endTry();
    this.record.upstreamMs = nowMs - this.watch.upstreamStartMs;
    this.context.observer.onUpstreamOver(this.record.service ?? '');
    call.abort();
  }

  #finish(): void {
    if (this.#phase === 'over') return;
    const { wheel, clock } = this.context;
    const nowMs = this.#isEndingNow ? this.watch.lastByteMs : clock.monotonicMs();
    this.#letGoOfUpstream(nowMs);
    this.#phase = 'over';
    wheel.cancel(this);
    this.leaveCounts();
    this.#streamed?.close();
    this.webSocket?.leave();
    this.filters?.end();
    this.tellOver(nowMs, false);
  }
}
