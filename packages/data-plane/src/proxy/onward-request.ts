/** A request from the middle of a chain on, apart from the exchange that it repeats: through the filters that are left, to the upstream, and back. */

import type { FilterExchange, Onward, OnwardQuestion, ServiceAnswer } from '@causeway/filters/filter';
import { FilterChain } from '@causeway/filters/filter-chain';
import type { ResponseHead } from '@causeway/http1/response-head';
import type { RouteRequest } from '@causeway/router/request-view';

import type { RouteEntry } from '../table/route-entry.ts';
import { type Table, tableService } from '../table/table.ts';
import { ChoiceRequest } from '../upstream/balancing/choice-request.ts';
import type { ServiceHandle } from '../upstream/service-handle.ts';
import type { FieldList, UpstreamCall, UpstreamEvents } from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import { FilteredExchange } from './filtered-exchange.ts';
import type { FilteredRelay, FilteredRequest } from './filtered-relay.ts';
import type { BodyRoom } from './held-body.ts';
import { ownResponse, pendingAnswer, type PendingResponse } from './pending-response.ts';
import type { ProxyContext } from './proxy-context.ts';
import { sourcedRequest } from './request-source.ts';
import type { Timed } from './timer-wheel.ts';

/** The exchange that is repeated. */
export interface RepeatedExchange {
  readonly record: ExchangeRecord;
  readonly request: FilteredRequest;
  readonly table: Table;
  readonly route: RouteEntry;
  readonly routeRequest: RouteRequest;
}

/** Of one worker; what is beyond is not asked. */
const onwardMax = 256;
/** All of it takes no longer, whatever the Route allows. */
const onwardMsMax = 30_000;
let underWay = 0;

/** Undefined: there is no whole answer, in time or at all. */
export function askOnward(
  context: ProxyContext,
  repeated: RepeatedExchange,
  exchange: FilterExchange,
  { filters }: Onward,
  question: OnwardQuestion,
): Promise<ServiceAnswer | undefined> {
  if (underWay >= onwardMax) return Promise.resolve(undefined);
  const { promise, resolve } = Promise.withResolvers<ServiceAnswer | undefined>();
  underWay += 1;
  const relay = new OnwardRelay(context, repeated, question, (answer) => {
    underWay -= 1;
    resolve(answer);
  });
  relay.run(new FilterChain(filters), exchange);
  return promise;
}

class OnwardRelay implements FilteredRelay, UpstreamEvents, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly record: ExchangeRecord;
  readonly bodyRoom: BodyRoom;
  readonly method: string;
  readonly hasRequestBody = false;
  readonly requestLength = 0;
  readonly #context: ProxyContext;
  readonly #repeated: RepeatedExchange;
  readonly #question: OnwardQuestion;
  readonly #onOver: (answer: ServiceAnswer | undefined) => void;
  #filters: FilteredExchange | undefined;
  #choice: ChoiceRequest | undefined;
  #call: UpstreamCall | undefined;
  #isReady = false;
  #isTranslated = false;
  #isOver = false;
  #head: PendingResponse | undefined;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(
    context: ProxyContext,
    repeated: RepeatedExchange,
    question: OnwardQuestion,
    onOver: (answer: ServiceAnswer | undefined) => void,
  ) {
    this.#context = context;
    this.#repeated = repeated;
    this.#question = question;
    this.#onOver = onOver;
    this.record = { ...repeated.record, isLogged: false };
    this.method = repeated.record.method;
    this.bodyRoom = context.bodyRoom;
  }

  run(chain: FilterChain, { identity, upstreamPath, upstreamQuery }: FilterExchange): void {
    const { request, route } = this.#repeated;
    const { clock, wheel } = this.#context;
    const timeoutMs = Math.min(route.timeouts.requestMs || onwardMsMax, onwardMsMax);
    wheel.schedule(this, clock.monotonicMs() + timeoutMs);
    const filters = new FilteredExchange(chain, this, {
      ...request,
      upstreamFields: () => [...this.#question.fields],
      send: (target, fields) => this.#send(target, fields),
    });
    filters.rewriteTarget(upstreamPath, upstreamQuery);
    filters.identity = identity;
    this.#filters = filters;
    filters.start();
  }

  #send(target: string, fields: FieldList): void {
    const service = this.#pickService();
    if (service === undefined) return this.#end(undefined);
    const ticket = service.gate.admit();
    if (ticket < 0) return this.#end(undefined);
    const endpoint = service.pick(this.#choice);
    if (endpoint === undefined) {
      service.gate.leave(ticket);
      return this.#end(undefined);
    }
    const request = {
      method: this.#isTranslated ? 'POST' : this.method,
      target,
      fields,
      bodyLength: this.#filters?.requestLength ?? 0,
      wantsTrailers: this.#isTranslated,
      mayHaveTrailers: false,
    };
    const call = endpoint.pool.send(request, this, endpoint, ticket);
    if (call === undefined) {
      service.gate.leave(ticket);
      return this.#end(undefined);
    }
    // It may have failed at once.
    if (this.#isOver) return call.abort();
    this.#call = call;
    if (this.#isReady) this.#sendBody();
  }

  #pickService(): ServiceHandle | undefined {
    const { table, route, routeRequest } = this.#repeated;
    const { record } = this;
    const view = sourcedRequest(record.client, route.name, routeRequest, this.#filters?.identity);
    this.#choice = new ChoiceRequest(view, record);
    const name = route.backendChoice.next(this.#choice, this.#context.affinityKeys);
    return name === undefined ? undefined : tableService(table, name);
  }

  onDue(): void {
    this.#call?.timeOut(true);
    this.#end(undefined);
  }

  onUpstreamReady(): void {
    this.#isReady = true;
    if (this.#call !== undefined) this.#sendBody();
  }

  /** Of what a filter makes of the request. */
  #sendBody(): void {
    if (this.#filters?.isRequestHeld === true) this.#filters.sendHeldRequest();
    else this.endRequest();
  }

  onUpstreamHead(head: ResponseHead): void {
    const { clock } = this.#context;
    const { method } = this;
    const isVia = this.#repeated.table.gateway.forwarding.via;
    const isSecure = this.#call?.isSecure === true;
    this.#filters?.respond(
      pendingAnswer(head, { method, clock, isVia, isSecure, cookies: undefined, agrees: false }),
    );
  }

  onUpstreamChunk(chunk: Buffer): boolean {
    this.#filters?.takeResponseChunk(chunk);
    return true;
  }

  onUpstreamEnd(trailers?: FieldList): void {
    this.#call = undefined;
    this.#filters?.takeResponseEnd(trailers);
  }

  onUpstreamFailed(): void {
    this.#call = undefined;
    this.#end(undefined);
  }

  beginAnswer(response: PendingResponse): void {
    this.#head = response;
    if (!response.isWhole) this.#end(undefined);
  }

  sendResponseChunk(chunk: Buffer): void {
    if (this.#head?.hasBody !== true) return;
    const hasRoom =
      this.#bytes + chunk.length <= this.#question.bodyBytesMax && this.bodyRoom.enter(chunk.length);
    if (!hasRoom) return this.#end(undefined);
    this.#bytes += chunk.length;
    this.#pieces.push(Buffer.from(chunk));
  }

  endAnswer(): void {
    const { status, fields } = this.#head!;
    this.#end({ status, fields, body: Uint8Array.from(Buffer.concat(this.#pieces)) });
  }

  holdResponse(isHeld: boolean): void {
    if (isHeld) this.#call?.pauseResponse();
    else this.#call?.resumeResponse();
  }

  dropUpstream(): void {
    this.#call?.abort();
    this.#call = undefined;
  }

  /** What the gateway says by itself is no answer of the upstream. */
  answer(): void {
    this.#end(undefined);
  }

  refuse(): void {
    this.#end(undefined);
  }

  cutOff(): void {
    this.#end(undefined);
  }

  describeRefusal(): PendingResponse {
    return { ...ownResponse, status: 500, fields: [], body: Buffer.alloc(0) };
  }

  crash(error: unknown): void {
    this.#context.logger.error({ err: error, requestId: this.record.requestId }, 'background request failed');
    this.#end(undefined);
  }

  onFilterError({ kind, name }: { kind: string; name: string }, error: unknown): void {
    this.#context.observer.onFilterError(kind);
    this.#context.logger.error({ err: error, filter: name }, 'filter failed in a background request');
  }

  onFilterRefusal(): void {}

  readRequest(): void {}

  callGrpc(): void {
    this.#isTranslated = true;
  }

  sendRequestChunk(chunk: Buffer): void {
    this.#call?.sendChunk(chunk);
    this.#call?.flush();
  }

  endRequest(): void {
    this.#call?.endRequest();
  }

  holdRequest(): void {}

  onUpstreamSent(): void {}

  onUpstreamInformational(): void {}

  onUpstreamPart(): void {}

  onUpstreamDrain(): void {}

  #end(answer: ServiceAnswer | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call?.abort();
    this.#call = undefined;
    this.#pieces = [];
    this.bodyRoom.leave(this.#bytes);
    this.#context.wheel.cancel(this);
    this.#filters?.end();
    this.#filters = undefined;
    this.#onOver(answer);
  }
}
