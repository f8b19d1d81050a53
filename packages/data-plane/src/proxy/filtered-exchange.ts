/** An exchange as its filters see it, between what they are told and what the relay does. Made for Routes that have filters alone. */

import type {
  Answer,
  CacheResult,
  Filter,
  GrpcTranslation,
  MessageRefusal,
  Onward,
  OnwardQuestion,
  ReadBody,
  Refusal as FilterRefusal,
  RefusalReason,
  RequestCopy,
  ServiceAnswer,
  ServiceQuestion,
  Sooner,
} from '@causeway/filters/filter';
import { fieldValue } from '@causeway/filters/fields';
import { completedIdentity, type Identity } from '@causeway/filters/identity';
import type { BodyPass } from '@causeway/filters/body-pass';
import { type FilterChain, type FilterOwner, freshProgress } from '@causeway/filters/filter-chain';

import type { BodyLength, FieldList } from './exchange.ts';
import { FilterExpiries } from './filter-expiries.ts';
import { addIdentity, checkFields } from './filtered-fields.ts';
import { type FilteredRelay, type FilteredRequest, nothingKnown } from './filtered-relay.ts';
import { isGrpcType } from './grpc-call.ts';
import { HeldBody } from './held-body.ts';
import {
  answerLength,
  forbidsBody,
  isSilent,
  ownResponse,
  type PendingResponse,
} from './pending-response.ts';
import { RequestView } from './request-view.ts';
import { type StreamKind, streamKindOf } from './response-head.ts';
import { targetOf } from './target.ts';

export class FilteredExchange extends RequestView implements FilterOwner {
  filtersEntered = freshProgress.filtersEntered;
  filtersLeft = freshProgress.filtersLeft;
  filterTurn = freshProgress.filterTurn;
  filterStates = freshProgress.filterStates;
  requestPass: BodyPass | undefined = undefined;
  responsePass: BodyPass | undefined = undefined;
  responseStatus = 0;
  responseFields: string[] = [];
  readonly chain: FilterChain;
  #upstreamFields: string[] | undefined;
  /** The same before filters changed them. */
  #fieldsBefore: FieldList = nothingBefore;
  upstreamPath: string;
  upstreamQuery: string | undefined;
  #pending: PendingResponse | undefined;
  #isHeadSent = false;
  /** Of the request's body, where a filter has asked for all of it; until it goes upstream. */
  #heldRequest: HeldBody | undefined = undefined;
  /** What came of the upstream's body while a filter waited on its head. */
  #heldResponse: HeldBody | undefined = undefined;
  #isResponseOver = false;
  #trailers: FieldList | undefined;
  #requestTrailers: FieldList | undefined;
  identity: Identity | undefined = undefined;
  isJudgedElsewhere = false;
  #isTranslated = false;
  #expiries: FilterExpiries | undefined;

  constructor(chain: FilterChain, relay: FilteredRelay, request: FilteredRequest) {
    super(relay, request);
    this.chain = chain;
    this.upstreamPath = request.path;
    this.upstreamQuery = request.query;
  }

  rewriteTarget(path: string, query: string | undefined): void {
    this.upstreamPath = path;
    this.upstreamQuery = query;
  }

  get upstreamFields(): string[] {
    if (this.#upstreamFields === undefined) {
      this.#upstreamFields = this.request.upstreamFields();
      this.#fieldsBefore = this.#upstreamFields.slice();
    }
    return this.#upstreamFields;
  }

  /** Whether a filter has begun to read the body, which has not gone on since. */
  get isRequestHeld(): boolean {
    return this.#heldRequest !== undefined;
  }

  /** Whether what comes of the body is for filters. */
  get takesRequestBody(): boolean {
    return this.#heldRequest !== undefined || this.requestPass !== undefined;
  }

  /** Of the body as it goes upstream, where filters know it better than the head; undefined: they do not. */
  get requestLength(): BodyLength | undefined {
    const held = this.#heldRequest;
    if (held === undefined && !this.hasRequestBody) return undefined;
    // What comes out of filters has another length than what goes in; one of no bytes would never pass those that watch it.
    if (this.requestPass?.changesBody === true) return 'unknown';
    if (held?.isWhole !== true) return undefined;
    return held.bytes === 0 && this.requestPass !== undefined ? 'unknown' : held.bytes;
  }

  readRequestBody(bytesMax: number): Sooner<ReadBody> {
    if (!this.hasRequestBody) return nothing;
    const isBegun = this.#heldRequest !== undefined;
    const { requestLength } = this.relay;
    // A client that waits for leave (Expect) is not asked for what nobody takes.
    if (!isBegun && typeof requestLength === 'number' && requestLength > bytesMax) return 'tooLarge';
    this.#heldRequest ??= new HeldBody(this.relay.bodyRoom);
    const body = this.#heldRequest.read(bytesMax);
    if (!isBegun) this.relay.readRequest();
    else if (this.#heldRequest.isWanted) this.relay.holdRequest(false);
    return body;
  }

  replaceRequestBody(body: Uint8Array): void {
    if (!this.hasRequestBody && this.#heldRequest === undefined) {
      this.#heldRequest = new HeldBody(this.relay.bodyRoom);
      this.#heldRequest.end();
    }
    if (this.#heldRequest?.isWhole !== true) throw new Error('a body is replaced once it was read');
    this.#heldRequest.replace(asBuffer(body));
  }

  callGrpc(translation: GrpcTranslation): void {
    this.#isTranslated = true;
    this.relay.callGrpc(translation);
  }

  get responseTrailers(): FieldList | undefined {
    return this.#trailers;
  }

  readResponseBody(bytesMax: number): Sooner<ReadBody> {
    const { body, hasBody, isUpstreams } = this.#pending!;
    if (!isUpstreams || !hasBody)
      return body !== undefined && body.length > bytesMax ? 'tooLarge' : (body ?? nothing);
    if (this.#stream !== undefined) return 'tooLarge';
    const read = this.#heldUpstream.read(bytesMax);
    if (this.#heldUpstream.isWanted) this.relay.holdResponse(false);
    return read;
  }

  replaceResponseBody(body: Uint8Array): void {
    const pending = this.#pending!;
    if (forbidsBody(pending.status)) return;
    if (!pending.isUpstreams) this.#pending = { ...pending, body: asBuffer(body) };
    else if (this.method === 'HEAD') this.#pending = { ...pending, length: undefined };
    else {
      // What still comes of it would follow the other one, as an answer to the next request.
      if (pending.hasBody && !this.#heldUpstream.isWhole)
        throw new Error('a body is replaced once it was read');
      this.#heldUpstream.replace(asBuffer(body));
      this.#pending = { ...pending, hasBody: true, length: body.length };
    }
  }

  identify(identity: Identity): void {
    this.identity = completedIdentity(this.identity, identity);
    this.relay.record.consumer = this.identity.consumer;
  }

  get onward(): Onward {
    return this.chain.onward(this.filtersEntered - 1);
  }

  askOnward(question: OnwardQuestion): Promise<ServiceAnswer | undefined> {
    checkFields(question.fields, nothingBefore);
    return this.request.askOnward(this, this.onward, question);
  }

  noteCache(result: CacheResult): void {
    this.relay.record.cache = result;
  }

  get isWholeOfUpstream(): boolean {
    const pending = this.#pending;
    if (pending === undefined || !this.#isTranslated) return pending?.isWhole === true;
    return pending.isUpstreams && this.#stream === undefined;
  }

  /** What a filter makes of a call by gRPC is told by its type. */
  get #stream(): StreamKind | undefined {
    const { stream, isUpstreams, hasBody } = this.#pending!;
    if (!this.#isTranslated || !isUpstreams || !hasBody) return stream;
    const type = fieldValue(this.responseFields, 'content-type') ?? '';
    return isGrpcType(type) ? undefined : streamKindOf(type);
  }

  noteShadowRefusal(filter: Filter, reason: RefusalReason): void {
    this.relay.onFilterRefusal(filter, reason, true);
  }

  get responseBytes(): number | undefined {
    const { body, length } = this.#pending!;
    return body?.length ?? (typeof length === 'number' ? length : undefined);
  }

  expireAt(wallMs: number): void {
    (this.#expiries ??= new FilterExpiries()).add(this.filtersEntered - 1, wallMs);
  }

  /** Milliseconds since 1970; Infinity: nothing that let it in expires. */
  get expiresAtMs(): number {
    return this.#expiries?.earliestMs ?? Infinity;
  }

  /** See `ExpiringAdmission`. */
  renew(wallMs: number): boolean {
    return this.#expiries?.renew(wallMs, (filter) => this.chain.expire(this, filter)) ?? true;
  }

  /** Why a message of a WebSocket may not pass, if it may not. */
  inspect(data: Buffer, isText: boolean): MessageRefusal | undefined {
    return this.chain.message(this, { data, isText });
  }

  openCopy(service: string, bodyBytesMax: number): RequestCopy | undefined {
    const fields = this.upstreamFields.slice();
    checkFields(fields, this.#fieldsBefore);
    return this.request.openCopy(service, this.#target(), fields, bodyBytesMax);
  }

  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined> {
    checkFields(question.fields, nothingBefore);
    return this.request.askService(service, question);
  }

  /** Lets the request run through the filters. */
  start(): void {
    try {
      this.chain.requestHead(this);
    } catch (error) {
      this.relay.crash(error);
    }
  }

  /** A response that is on its way to the client, whoever made it. */
  respond(pending: PendingResponse): void {
    if (!pending.isUpstreams) this.dropRequestBody();
    this.#setResponse(pending);
    try {
      this.chain.responseHead(this);
    } catch (error) {
      this.relay.crash(error);
    }
  }

  /** The chunk is copied: filters may keep it as long as they wait. */
  takeRequestChunk(chunk: Buffer): void {
    const held = this.#heldRequest;
    if (held !== undefined) {
      held.add(chunk);
      if (!held.isWanted) this.relay.holdRequest(true);
      return;
    }
    this.#guarded(() => {
      if (this.requestPass?.write(Buffer.from(chunk)) === false) this.relay.holdRequest(true);
    });
  }

  /** `trailers` belong to the body as it came, like those of a response. */
  takeRequestEnd(trailers?: FieldList): void {
    // Behind a body of known length none can go.
    if (this.#heldRequest !== undefined) return this.#heldRequest.end();
    if (this.requestPass?.changesBody === false) this.#requestTrailers = trailers;
    this.#guarded(() => this.requestPass?.end());
  }

  /** What comes of the request's body from now on goes nowhere, and its end with it. */
  dropRequestBody(): void {
    this.requestPass?.close();
    this.#heldRequest?.close();
    this.#heldRequest = undefined;
  }

  /** The upstream is there: what was read of the body goes to it, and the rest as it comes. */
  sendHeldRequest(): void {
    const held = this.#heldRequest!;
    const { isWhole } = held;
    this.#heldRequest = undefined;
    this.#guarded(() => {
      for (const chunk of held.take())
        if (this.requestPass === undefined) this.relay.sendRequestChunk(chunk);
        else if (!this.requestPass.write(chunk)) this.relay.holdRequest(true);
      if (!isWhole) this.relay.holdRequest(false);
      else if (this.requestPass === undefined) this.relay.endRequest();
      else this.requestPass.end();
    });
  }

  takeResponseChunk(chunk: Buffer): void {
    const pass = this.responsePass;
    if (!this.#isHeadSent) {
      this.#heldUpstream.add(chunk);
      if (!this.#heldUpstream.isWanted) this.relay.holdResponse(true);
    } else if (pass === undefined) {
      this.relay.sendResponseChunk(chunk);
    } else {
      this.#guarded(() => {
        if (!pass.write(Buffer.from(chunk))) this.relay.holdResponse(true);
      });
    }
  }

  /** `trailers` belong to the body as it came: they stay behind where a filter makes another of it. */
  takeResponseEnd(trailers?: FieldList): void {
    this.#trailers = trailers;
    this.#isResponseOver = true;
    if (this.#isHeadSent) this.#guarded(() => this.#endResponse());
    else this.#heldResponse?.end();
  }

  /** It lasts as a stream from now on: what only a request is asked for is let go, and the table with it. */
  becomeStream(): void {
    this.request = {
      ...this.request,
      known: nothingKnown,
      upstreamFields: () => [],
      send: () => {},
      openCopy: () => undefined,
      askService: () => Promise.resolve(undefined),
      askOnward: () => Promise.resolve(undefined),
    };
  }

  /** The exchange is over, however it ended. */
  end(): void {
    this.#heldRequest?.close();
    this.#heldResponse?.close();
    this.chain.end(this, this.relay.record);
  }

  sendRequest(): void {
    if (this.identity !== undefined) addIdentity(this.upstreamFields, this.identity);
    // Hot path: of a request whose fields nobody asked for there is nothing to check.
    const fields = this.#upstreamFields ?? this.request.upstreamFields();
    if (this.#upstreamFields !== undefined) checkFields(fields, this.#fieldsBefore);
    this.request.send(this.#target(), fields);
  }

  replaceResponse(response: Answer | FilterRefusal): void {
    this.relay.dropUpstream();
    this.dropRequestBody();
    this.#heldResponse?.close();
    this.#heldResponse = undefined;
    this.#trailers = undefined;
    this.#isResponseOver = false;
    if (response.kind === 'refusal') {
      const { kind: _, ...refusal } = response;
      this.#setResponse(this.relay.describeRefusal(refusal));
      return;
    }
    const { status, fields, body } = response;
    this.#setResponse({
      ...ownResponse,
      status,
      fields,
      body: forbidsBody(status) ? nothing : asBuffer(body),
    });
  }

  cutOff(): void {
    this.relay.cutOff();
  }

  sendResponse(): void {
    const pending = this.#pending!;
    const status = this.responseStatus;
    const fields = this.responseFields;
    // What stands in an answer of a filter's own was never checked.
    checkFields(fields, pending.isUpstreams ? pending.fields : nothingBefore);
    this.#isHeadSent = true;
    const { close, isUpstreams } = pending;
    // What a filter has made another answer of agrees to nothing.
    if (pending.agrees && status !== switching) {
      this.relay.dropUpstream();
      this.relay.answer(status, fields, isSilent(status) ? undefined : nothing, close);
      return;
    }
    const hasBody = !forbidsBody(status) && (isUpstreams ? pending.hasBody : this.method !== 'HEAD');
    if (!isUpstreams && this.responsePass === undefined) {
      const body = forbidsBody(status) ? nothing : pending.body;
      this.relay.answer(status, fields, isSilent(status) ? undefined : body, close);
      return;
    }
    const answer = { ...pending, status, fields, hasBody, isWhole: this.isWholeOfUpstream };
    // What comes out of filters has another length than what goes in.
    const length = answerLength(answer, this.method, this.responsePass?.changesBody === true);
    this.relay.beginAnswer({ ...answer, length, stream: this.#stream });
    this.#sendBody(pending);
  }

  forwardRequestChunk(chunk: Uint8Array): void {
    this.relay.sendRequestChunk(asBuffer(chunk));
  }

  forwardRequestEnd(): void {
    this.relay.endRequest(this.#requestTrailers);
  }

  resumeRequest(): void {
    this.relay.holdRequest(false);
  }

  forwardResponseChunk(chunk: Uint8Array): void {
    this.relay.sendResponseChunk(asBuffer(chunk));
  }

  forwardResponseEnd(): void {
    this.relay.endAnswer();
  }

  resumeResponse(): void {
    this.relay.holdResponse(false);
  }

  onFilterError(filter: Filter, error: unknown): void {
    this.relay.onFilterError(filter, error);
  }

  onFilterRefusal(filter: Filter, reason: RefusalReason): void {
    this.relay.onFilterRefusal(filter, reason, false);
  }

  onBodyFilterFailed(refusal: FilterRefusal | undefined): void {
    this.relay.refuse(refusal ?? { reason: 'internal' });
  }

  crash(error: unknown): void {
    this.relay.crash(error);
  }

  /** Its end may have come before anybody asked for it. */
  get #heldUpstream(): HeldBody {
    if (this.#heldResponse === undefined) {
      this.#heldResponse = new HeldBody(this.relay.bodyRoom);
      if (this.#isResponseOver) this.#heldResponse.end();
    }
    return this.#heldResponse;
  }

  #target(): string {
    return targetOf(this.upstreamPath, this.upstreamQuery);
  }

  /** The boundary of the exchange: whatever breaks behind it breaks this exchange alone. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.relay.crash(error);
    }
  }

  #setResponse(pending: PendingResponse): void {
    this.#pending = pending;
    this.responseStatus = pending.status;
    this.responseFields = [...pending.fields];
  }

  /** The body that stands ready, through the filters that want it; of an upstream's the rest follows by itself. */
  #sendBody({ body }: PendingResponse): void {
    const held = this.#heldResponse?.take() ?? [];
    let isHeld = false;
    for (const chunk of body === undefined ? held : [body]) {
      if (this.responsePass === undefined) this.relay.sendResponseChunk(chunk);
      else isHeld = !this.responsePass.write(chunk);
    }
    if (body !== undefined || this.#isResponseOver) this.#endResponse();
    else this.relay.holdResponse(isHeld);
  }

  #endResponse(): void {
    if (this.responsePass === undefined) this.relay.endAnswer(this.#trailers);
    else this.responsePass.end();
  }
}

/** RFC 9110 section 15.2.2. */
const switching = 101;
const nothing = Buffer.alloc(0);
const nothingBefore: FieldList = [];

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
