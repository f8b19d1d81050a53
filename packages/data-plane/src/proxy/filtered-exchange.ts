/** An exchange as its filters see it, between what they are told and what the relay does. Made for Routes that have filters alone. */

import type {
  Answer,
  Filter,
  MessageRefusal,
  Refusal as FilterRefusal,
  RefusalReason,
  RequestCopy,
  ServiceAnswer,
  ServiceQuestion,
} from '@causeway/filters/filter';
import { type ConsumerLookup, noConsumers, type ShownCertificate } from '@causeway/filters/consumers';
import { completedIdentity, type Identity } from '@causeway/filters/identity';
import type { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { BodyPass } from '@causeway/filters/body-pass';
import { type FilterChain, type FilterOwner, freshProgress } from '@causeway/filters/filter-chain';
import { checkField } from '@causeway/http1/write-head';

import { redactQuery } from '../observe/redact-query.ts';
import type { FieldList, ResponseLength } from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import { ownResponse, type PendingResponse } from './pending-response.ts';
import type { Refusal } from './reasons.ts';
import { targetOf } from './target.ts';

/** What is known of the request once it has a Route. */
export interface FilteredRequest {
  readonly host: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly scheme: 'http' | 'https';
  readonly routeName: string;
  readonly clientCertificate: ShownCertificate | undefined;
  readonly routeMethods: readonly string[];
  readonly matchedLength: number;
  readonly consumers: ConsumerLookup;
  tokenVerifier(provider: string): TokenVerifier | undefined;
  header(lowerName: string): string | undefined;
  pathParameter(name: string): string | undefined;
  /** The fields that go upstream, made anew by each call. */
  upstreamFields(): string[];
  /** Steps behind the filters: pick an endpoint, write the head, send it. */
  send(target: string, fields: FieldList): void;
  /** See `FilterExchange`. */
  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined>;
  /** See `FilterExchange`; with these fields. */
  openCopy(service: string, target: string, fields: FieldList, bodyBytesMax: number): RequestCopy | undefined;
}

/** What the relay does for it. */
export interface FilteredRelay {
  readonly record: ExchangeRecord;
  readonly method: string;
  readonly hasRequestBody: boolean;
  sendRequestChunk(chunk: Buffer): void;
  endRequest(trailers?: FieldList): void;
  /** The filters want more of the body, or no more for now. */
  holdRequest(isHeld: boolean): void;
  describeRefusal(refusal: Refusal): PendingResponse;
  /** Lets go of the upstream: another response takes the place of its own. */
  dropUpstream(): void;
  answer(status: number, fields: FieldList, body: Buffer | undefined, close: boolean): void;
  beginAnswer(response: PendingResponse): void;
  sendResponseChunk(chunk: Buffer): void;
  endAnswer(trailers?: FieldList): void;
  holdResponse(isHeld: boolean): void;
  refuse(refusal: Refusal): void;
  /** Lets the client see nothing more. */
  cutOff(): void;
  crash(error: unknown): void;
  onFilterError(filter: Filter, error: unknown): void;
  /** `isShadow`: it only would have refused. */
  onFilterRefusal(filter: Filter, reason: RefusalReason, isShadow: boolean): void;
}

export class FilteredExchange implements FilterOwner {
  filtersEntered = freshProgress.filtersEntered;
  filtersLeft = freshProgress.filtersLeft;
  filterTurn = freshProgress.filterTurn;
  filterStates = freshProgress.filterStates;
  requestPass: BodyPass | undefined = undefined;
  responsePass: BodyPass | undefined = undefined;
  responseStatus = 0;
  responseFields: string[] = [];
  readonly chain: FilterChain;
  readonly #relay: FilteredRelay;
  #request: FilteredRequest;
  #upstreamFields: string[] | undefined;
  /** The same before filters changed them. */
  #fieldsBefore: FieldList = nothingBefore;
  upstreamPath: string;
  upstreamQuery: string | undefined;
  #pending: PendingResponse | undefined;
  #isHeadSent = false;
  /** What came of the upstream's body while a filter waited on its head. */
  #held: Buffer[] = [];
  #isResponseOver = false;
  #trailers: FieldList | undefined;
  #requestTrailers: FieldList | undefined;
  identity: Identity | undefined = undefined;
  /** What filters told, and which. */
  #expiries: { wallMs: number; readonly filter: number }[] | undefined;

  constructor(chain: FilterChain, relay: FilteredRelay, request: FilteredRequest) {
    this.chain = chain;
    this.#relay = relay;
    this.#request = request;
    this.upstreamPath = request.path;
    this.upstreamQuery = request.query;
  }

  get requestId(): string {
    return this.#relay.record.requestId;
  }

  get method(): string {
    return this.#relay.method;
  }

  get host(): string {
    return this.#request.host;
  }

  get authority(): string {
    return this.#request.authority;
  }

  get path(): string {
    return this.#request.path;
  }

  get query(): string | undefined {
    return this.#request.query;
  }

  get scheme(): 'http' | 'https' {
    return this.#request.scheme;
  }

  get clientAddress(): string {
    return this.#relay.record.client;
  }

  get routeName(): string {
    return this.#request.routeName;
  }

  get routeMethods(): readonly string[] {
    return this.#request.routeMethods;
  }

  get matchedLength(): number {
    return this.#request.matchedLength;
  }

  rewriteTarget(path: string, query: string | undefined): void {
    this.upstreamPath = path;
    this.upstreamQuery = query;
  }

  get upstreamFields(): string[] {
    if (this.#upstreamFields === undefined) {
      this.#upstreamFields = this.#request.upstreamFields();
      this.#fieldsBefore = this.#upstreamFields.slice();
    }
    return this.#upstreamFields;
  }

  hideQuery(name: string): void {
    const { record } = this.#relay;
    if (record.query !== undefined) record.query = redactQuery(record.query, new Set([name]));
  }

  get hasRequestBody(): boolean {
    return this.#relay.hasRequestBody;
  }

  get clientCertificate(): ShownCertificate | undefined {
    return this.#request.clientCertificate;
  }

  get consumers(): ConsumerLookup {
    return this.#request.consumers;
  }

  tokenVerifier(provider: string): TokenVerifier | undefined {
    return this.#request.tokenVerifier(provider);
  }

  identify(identity: Identity): void {
    this.identity = completedIdentity(this.identity, identity);
    this.#relay.record.consumer = this.identity.consumer;
  }

  noteShadowRefusal(filter: Filter, reason: RefusalReason): void {
    this.#relay.onFilterRefusal(filter, reason, true);
  }

  get responseBytes(): number | undefined {
    const { body, length } = this.#pending!;
    return body?.length ?? (typeof length === 'number' ? length : undefined);
  }

  expireAt(wallMs: number): void {
    (this.#expiries ??= []).push({ wallMs, filter: this.filtersEntered - 1 });
  }

  /** Milliseconds since 1970; Infinity: nothing that let it in expires. */
  get expiresAtMs(): number {
    return Math.min(...(this.#expiries ?? []).map(({ wallMs }) => wallMs));
  }

  /** See `ExpiringAdmission`. */
  renew(wallMs: number): boolean {
    for (const expiry of this.#expiries ?? []) {
      if (expiry.wallMs > wallMs) continue;
      const renewedMs = this.chain.expire(this, expiry.filter);
      if (renewedMs === undefined || renewedMs <= wallMs) return false;
      expiry.wallMs = renewedMs;
    }
    return true;
  }

  /** Why a message of a WebSocket may not pass, if it may not. */
  inspect(data: Buffer, isText: boolean): MessageRefusal | undefined {
    return this.chain.message(this, { data, isText });
  }

  openCopy(service: string, bodyBytesMax: number): RequestCopy | undefined {
    const fields = this.upstreamFields.slice();
    checkFields(fields, this.#fieldsBefore);
    return this.#request.openCopy(service, this.#target(), fields, bodyBytesMax);
  }

  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined> {
    checkFields(question.fields, nothingBefore);
    return this.#request.askService(service, question);
  }

  requestHeader(lowerName: string): string | undefined {
    return this.#request.header(lowerName);
  }

  pathParameter(name: string): string | undefined {
    return this.#request.pathParameter(name);
  }

  /** Lets the request run through the filters. */
  start(): void {
    try {
      this.chain.requestHead(this);
    } catch (error) {
      this.#relay.crash(error);
    }
  }

  /** A response that is on its way to the client, whoever made it. */
  respond(pending: PendingResponse): void {
    this.#setResponse(pending);
    try {
      this.chain.responseHead(this);
    } catch (error) {
      this.#relay.crash(error);
    }
  }

  /** The chunk is copied: filters may keep it as long as they wait. */
  takeRequestChunk(chunk: Buffer): void {
    this.#guarded(() => {
      if (this.requestPass?.write(Buffer.from(chunk)) === false) this.#relay.holdRequest(true);
    });
  }

  /** `trailers` belong to the body as it came, like those of a response. */
  takeRequestEnd(trailers?: FieldList): void {
    if (this.requestPass?.changesBody === false) this.#requestTrailers = trailers;
    this.#guarded(() => this.requestPass?.end());
  }

  /** What comes of the request's body from now on goes nowhere, and its end with it. */
  dropRequestBody(): void {
    this.requestPass?.close();
  }

  takeResponseChunk(chunk: Buffer): void {
    const pass = this.responsePass;
    if (!this.#isHeadSent) {
      this.#held.push(Buffer.from(chunk));
      this.#relay.holdResponse(true);
    } else if (pass === undefined) {
      this.#relay.sendResponseChunk(chunk);
    } else {
      this.#guarded(() => {
        if (!pass.write(Buffer.from(chunk))) this.#relay.holdResponse(true);
      });
    }
  }

  /** `trailers` belong to the body as it came: they stay behind where a filter makes another of it. */
  takeResponseEnd(trailers?: FieldList): void {
    this.#trailers = trailers;
    this.#isResponseOver = true;
    if (this.#isHeadSent) this.#guarded(() => this.#endResponse());
  }

  /** It lasts as a stream from now on: what only a request is asked for is let go, and the table with it. */
  becomeStream(): void {
    this.#request = {
      ...this.#request,
      consumers: noConsumers,
      tokenVerifier: () => undefined,
      upstreamFields: () => [],
      send: () => {},
      openCopy: () => undefined,
      askService: () => Promise.resolve(undefined),
    };
  }

  /** The exchange is over, however it ended. */
  end(): void {
    this.#held = [];
    this.chain.end(this, this.#relay.record);
  }

  sendRequest(): void {
    if (this.identity !== undefined) addIdentity(this.upstreamFields, this.identity);
    // Hot path: of a request whose fields nobody asked for there is nothing to check.
    const fields = this.#upstreamFields ?? this.#request.upstreamFields();
    if (this.#upstreamFields !== undefined) checkFields(fields, this.#fieldsBefore);
    this.#request.send(this.#target(), fields);
  }

  replaceResponse(response: Answer | FilterRefusal): void {
    this.#relay.dropUpstream();
    this.#held = [];
    this.#trailers = undefined;
    this.#isResponseOver = false;
    if (response.kind === 'refusal') {
      const { kind: _, ...refusal } = response;
      this.#setResponse(this.#relay.describeRefusal(refusal));
      return;
    }
    const { status, fields, body } = response;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#setResponse({ ...ownResponse, status, fields, body: bytes });
  }

  cutOff(): void {
    this.#relay.cutOff();
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
      this.#relay.dropUpstream();
      this.#relay.answer(status, fields, forbidsBody(status) ? undefined : nothing, close);
      return;
    }
    const hasBody = !forbidsBody(status) && (isUpstreams ? pending.hasBody : this.method !== 'HEAD');
    if (!isUpstreams && this.responsePass === undefined) {
      this.#relay.answer(status, fields, forbidsBody(status) ? undefined : pending.body, close);
      return;
    }
    // What comes out of filters has another length than what goes in.
    const isKnown = this.responsePass?.changesBody !== true || !hasBody;
    const length = forbidsBody(status) ? undefined : isKnown ? pending.length : lengthUnknown(pending);
    this.#relay.beginAnswer({ ...pending, status, fields, length, hasBody });
    this.#sendBody(pending);
  }

  forwardRequestChunk(chunk: Uint8Array): void {
    this.#relay.sendRequestChunk(asBuffer(chunk));
  }

  forwardRequestEnd(): void {
    this.#relay.endRequest(this.#requestTrailers);
  }

  resumeRequest(): void {
    this.#relay.holdRequest(false);
  }

  forwardResponseChunk(chunk: Uint8Array): void {
    this.#relay.sendResponseChunk(asBuffer(chunk));
  }

  forwardResponseEnd(): void {
    this.#relay.endAnswer();
  }

  resumeResponse(): void {
    this.#relay.holdResponse(false);
  }

  onFilterError(filter: Filter, error: unknown): void {
    this.#relay.onFilterError(filter, error);
  }

  onFilterRefusal(filter: Filter, reason: RefusalReason): void {
    this.#relay.onFilterRefusal(filter, reason, false);
  }

  onBodyFilterFailed(): void {
    this.#relay.refuse({ reason: 'internal' });
  }

  crash(error: unknown): void {
    this.#relay.crash(error);
  }

  #target(): string {
    return targetOf(this.upstreamPath, this.upstreamQuery);
  }

  /** The boundary of the exchange: whatever breaks behind it breaks this exchange alone. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#relay.crash(error);
    }
  }

  #setResponse(pending: PendingResponse): void {
    this.#pending = pending;
    this.responseStatus = pending.status;
    this.responseFields = [...pending.fields];
  }

  /** The body that stands ready, through the filters that want it; of an upstream's the rest follows by itself. */
  #sendBody({ body }: PendingResponse): void {
    const held = this.#held.splice(0);
    let isHeld = false;
    for (const chunk of body === undefined ? held : [body]) {
      if (this.responsePass === undefined) this.#relay.sendResponseChunk(chunk);
      else isHeld = !this.responsePass.write(chunk);
    }
    if (body !== undefined || this.#isResponseOver) this.#endResponse();
    else this.#relay.holdResponse(isHeld);
  }

  #endResponse(): void {
    if (this.responsePass === undefined) this.#relay.endAnswer(this.#trailers);
    else this.responsePass.end();
  }
}

/** RFC 9110 section 15.2.2. */
const switching = 101;
const nothing = Buffer.alloc(0);
const nothingBefore: FieldList = [];

function lengthUnknown({ length }: PendingResponse): ResponseLength {
  return length === 'untilClose' ? length : 'unknown';
}

/** Whatever filters have put there: nothing may end a line early, or speak of framing. Hot path: what stands where it stood was good before. */
function checkFields(fields: FieldList, before: FieldList): void {
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at] !== before[at] || fields[at + 1] !== before[at + 1])
      checkField(fields[at]!, fields[at + 1]!);
}

/** RFC 9110 sections 15.3.5 and 15.4.5. */
function forbidsBody(status: number): boolean {
  return status === 204 || status === 304;
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** What the upstream is told of the caller; of clients no such fields cross (`identity-headers.ts`). */
function addIdentity(fields: string[], { consumer, groups }: Identity): void {
  if (consumer !== undefined) fields.push('x-consumer-name', consumer);
  if (groups.length > 0) fields.push('x-consumer-groups', groups.join(','));
}
