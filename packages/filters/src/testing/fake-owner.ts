/** An exchange without a node: takes the part of the relay, and writes down what becomes of it. */

import type { RequestRules } from '@causeway/schema/request-rules';
import type { Types } from '@causeway/transcoding/types';

import type { BodyPass } from '../body-pass.ts';
import type {
  Answer,
  ExchangeOutcome,
  CacheResult,
  Filter,
  GrpcTranslation,
  Onward,
  OnwardQuestion,
  ReadBody,
  Refusal,
  RefusalReason,
  RequestCopy,
  ServiceAnswer,
  ServiceQuestion,
} from '../filter.ts';
import { type ConsumerLookup, noConsumers, type ShownCertificate } from '../consumers.ts';
import { completedIdentity, type Identity } from '../identity.ts';
import type { TokenVerifier } from '../jwt/token-verifier.ts';
import { type FilterChain, type FilterOwner, freshProgress } from '../filter-chain.ts';

export const outcome: ExchangeOutcome = {
  status: 200,
  reason: undefined,
  durationMs: 1,
  bytesIn: 0,
  bytesOut: 0,
};

export class FakeOwner implements FilterOwner {
  requestId = 'id-1';
  method = 'GET';
  host = 'a.test';
  authority = 'a.test';
  path = '/a';
  query: string | undefined = undefined;
  routeMethods: readonly string[] = [];
  matchedLength = 0;
  #rewritten: { path: string; query: string | undefined } | undefined;
  scheme: 'http' | 'https' = 'http';
  clientAddress = '203.0.113.1';
  routeName = 'default/r';
  headers = new Map<string, string>();
  parameters = new Map<string, string>();
  upstreamFields: string[] = [];
  responseStatus = 0;
  responseBytes: number | undefined = undefined;
  responseFields: string[] = [];
  filtersEntered = freshProgress.filtersEntered;
  filtersLeft = freshProgress.filtersLeft;
  filterTurn = freshProgress.filterTurn;
  filterStates: unknown[] | undefined = undefined;
  requestPass: BodyPass | undefined = undefined;
  responsePass: BodyPass | undefined = undefined;
  /** What the owner was told, in order. */
  readonly log: string[] = [];
  readonly errors: { filter: Filter; error: unknown }[] = [];
  /** The answer or refusal that is the response. */
  response: Answer | Refusal | undefined = undefined;
  crashed: unknown = undefined;
  /** Called in `sendRequest` and `sendResponse`. */
  onSent: (what: 'request' | 'response') => void = () => {};
  readonly chain: FilterChain;

  constructor(chain: FilterChain) {
    this.chain = chain;
  }

  consumers: ConsumerLookup = noConsumers;
  readonly verifiers = new Map<string, TokenVerifier>();

  tokenVerifier(provider: string): TokenVerifier | undefined {
    return this.verifiers.get(provider);
  }

  readonly apiSpecs = new Map<string, RequestRules>();

  readonly descriptorSets = new Map<string, Types>();

  descriptors(descriptorSet: string): Types | undefined {
    return this.descriptorSets.get(descriptorSet);
  }

  translation: GrpcTranslation | undefined = undefined;

  callGrpc(translation: GrpcTranslation): void {
    this.translation = translation;
  }

  responseTrailers: readonly string[] | undefined = undefined;

  requestRules(apiSpec: string): RequestRules | undefined {
    return this.apiSpecs.get(apiSpec);
  }

  identity: Identity | undefined = undefined;

  identify(identity: Identity): void {
    this.identity = completedIdentity(this.identity, identity);
  }

  /** `name reason`, in shadow with `would` before it. */
  readonly refusals: string[] = [];

  noteShadowRefusal(filter: Filter, reason: RefusalReason): void {
    this.refusals.push(`would ${filter.name} ${reason}`);
  }

  onFilterRefusal(filter: Filter, reason: RefusalReason): void {
    this.refusals.push(`${filter.name} ${reason}`);
  }

  get upstreamPath(): string {
    return this.#rewritten?.path ?? this.path;
  }

  get upstreamQuery(): string | undefined {
    return this.#rewritten === undefined ? this.query : this.#rewritten.query;
  }

  rewriteTarget(path: string, query: string | undefined): void {
    this.#rewritten = { path, query };
  }

  readonly expiries: number[] = [];

  expireAt(wallMs: number): void {
    this.expiries.push(wallMs);
  }

  /** What the Services say. */
  answers: (service: string, question: ServiceQuestion) => ServiceAnswer | undefined = () => undefined;

  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined> {
    return Promise.resolve(this.answers(service, question));
  }

  isJudgedElsewhere = false;
  isWholeOfUpstream = true;

  get onward(): Onward {
    return this.chain.onward(this.filtersEntered - 1);
  }

  /** What the upstream says to a request of the cache's own. */
  onwardAnswer: (question: OnwardQuestion) => Promise<ServiceAnswer | undefined> = () =>
    Promise.resolve(undefined);

  askOnward(question: OnwardQuestion): Promise<ServiceAnswer | undefined> {
    return this.onwardAnswer(question);
  }

  cached: CacheResult | undefined = undefined;

  noteCache(result: CacheResult): void {
    this.cached = result;
  }

  clientCertificate: ShownCertificate | undefined = undefined;
  legacyRateLimitHeaders = false;
  readonly hiddenQuery: string[] = [];

  hideQuery(name: string): void {
    this.hiddenQuery.push(name);
  }

  hasRequestBody = false;
  requestBody: Uint8Array = new Uint8Array();
  responseBody: Uint8Array = new Uint8Array();

  readRequestBody(bytesMax: number): ReadBody {
    return this.requestBody.length > bytesMax ? 'tooLarge' : this.requestBody;
  }

  replaceRequestBody(body: Uint8Array): void {
    this.requestBody = body;
  }

  readResponseBody(bytesMax: number): ReadBody {
    return this.responseBody.length > bytesMax ? 'tooLarge' : this.responseBody;
  }

  replaceResponseBody(body: Uint8Array): void {
    this.responseBody = body;
  }

  /** Of every copy: its Service, and what became of it. */
  readonly copies: string[] = [];
  /** No more copies are taken. */
  hasCopiesEnough = false;

  openCopy(service: string): RequestCopy | undefined {
    if (this.hasCopiesEnough) return undefined;
    return {
      send: (body) => this.copies.push(`${service} ${Buffer.concat(body).toString()}`),
      drop: (why) => this.copies.push(`${service} ${why}`),
    };
  }

  cutOff(): void {
    this.log.push('cut');
  }

  requestHeader(lowerName: string): string | undefined {
    return this.headers.get(lowerName);
  }

  pathParameter(name: string): string | undefined {
    return this.parameters.get(name);
  }

  sendRequest(): void {
    this.log.push('request');
    this.onSent('request');
  }

  replaceResponse(response: Answer | Refusal): void {
    this.response = response;
    this.responseStatus = response.kind === 'answer' ? response.status : statuses[response.reason];
    this.responseFields = response.kind === 'answer' ? [...response.fields] : [];
    this.log.push(`replace ${this.responseStatus}`);
  }

  sendResponse(): void {
    this.log.push(`response ${this.responseStatus}`);
    this.onSent('response');
  }

  forwardRequestChunk(chunk: Uint8Array): void {
    this.log.push(`> ${String(chunk)}`);
  }

  forwardRequestEnd(): void {
    this.log.push('> end');
  }

  resumeRequest(): void {
    this.log.push('> resume');
  }

  forwardResponseChunk(chunk: Uint8Array): void {
    this.log.push(`< ${String(chunk)}`);
  }

  forwardResponseEnd(): void {
    this.log.push('< end');
  }

  resumeResponse(): void {
    this.log.push('< resume');
  }

  onFilterError(filter: Filter, error: unknown): void {
    this.errors.push({ filter, error });
  }

  onBodyFilterFailed(): void {
    this.log.push('body failed');
  }

  crash(error: unknown): void {
    this.crashed = error;
    this.log.push('crash');
  }

  /** The upstream's response head arrives. */
  upstreamAnswers(status: number): void {
    this.responseStatus = status;
    this.responseFields = [];
    this.chain.responseHead(this);
  }
}

const statuses: Readonly<Record<RefusalReason, number>> = {
  auth_unavailable: 503,
  bad_request: 400,
  forbidden: 403,
  gone: 410,
  internal: 500,
  descriptors_unavailable: 503,
  limits_unavailable: 503,
  no_grpc_method: 404,
  method_not_allowed: 405,
  overloaded: 503,
  payload_too_large: 413,
  quota_exceeded: 429,
  rate_limited: 429,
  unauthenticated: 401,
  upstream_protocol_error: 502,
};
