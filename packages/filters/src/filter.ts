/**
 * What a filter is, and what it may know and do. The relay of a node is the exchange; nothing else of the node is seen here, so
 * that a filter can be tested alone.
 *
 * Texts of a request are byte strings, one character a byte, as they stood on the wire.
 */

import type { TemplateVariable } from '@causeway/model/template';
import type { RequestRules } from '@causeway/schema/request-rules';
import type { Types } from '@causeway/transcoding/types';

import type { ConsumerLookup, ShownCertificate } from './consumers.ts';
import type { TokenVerifier } from './jwt/token-verifier.ts';
import type { Identity } from './identity.ts';

/** The request as the client sent it and as the node understood it. */
export interface FilterExchange {
  readonly requestId: string;
  readonly method: string;
  /** Lower case, without port. */
  readonly host: string;
  /** Host and port as the client named them; empty when it named none. */
  readonly authority: string;
  /** Canonical, without the query. */
  readonly path: string;
  /** As sent, without the `?`. */
  readonly query: string | undefined;
  readonly scheme: 'http' | 'https';
  /** Of the client, behind trusted proxies too. */
  readonly clientAddress: string;
  /** "namespace/name" */
  readonly routeName: string;
  /** Methods that the Route takes; empty = every one. */
  readonly routeMethods: readonly string[];
  /** How much of `path` the match of the Route took: its prefix, of a template what stands before `{name...}`, else all. The rest is empty or begins with a slash. */
  readonly matchedLength: number;
  /** By name in lower case; repeated fields joined by ", ", cookies by "; ". */
  requestHeader(lowerName: string): string | undefined;
  /** What a `{name}` of the Route's path took, escapes not decoded. */
  pathParameter(name: string): string | undefined;

  /**
   * The fields that go upstream, forwarding headers among them: flat, name, value, name, value. May be changed while the request
   * head is filtered, and means nothing later. It holds neither framing nor Connection, and none may be put there. Made when it
   * is first asked for: a Route that answers by itself does not pay for it.
   */
  readonly upstreamFields: string[];

  /** What the upstream is asked for: at first what the client asked for. The query without the `?`. */
  readonly upstreamPath: string;
  readonly upstreamQuery: string | undefined;
  /** While the request head is filtered. Both must be fit for a request line as they are; `path` begins with a slash. */
  rewriteTarget(path: string, query: string | undefined): void;
  /** The value of this query parameter is a secret, which the access log does not get: neither of the request nor of the page that it comes from. */
  hideQuery(name: string): void;

  /** Whether a body follows the head. */
  readonly hasRequestBody: boolean;
  /**
   * Waits for the whole body, of `bytesMax` bytes at most, while the request head is filtered; empty where there is none. It goes on as it is
   * unless it is replaced, through the chunk hooks of all filters that take the body, also of those before this one. The client sees no difference.
   */
  readRequestBody(bytesMax: number): Sooner<ReadBody>;
  /** Another body takes the place of the one that was read; where the request has none, it has one now. */
  replaceRequestBody(body: Uint8Array): void;
  /**
   * What goes upstream is a call by gRPC from now on: a POST that wants trailers, whatever the client sent. Its path, its fields and its messages
   * are for the filter to see to. While the request head is filtered.
   */
  callGrpc(translation: GrpcTranslation): void;

  /** Of the connection, and verified; undefined where the client has shown none, or was not asked. */
  readonly clientCertificate: ShownCertificate | undefined;
  readonly consumers: ConsumerLookup;
  /** Of an AuthProvider, "namespace/name". */
  tokenVerifier(provider: string): TokenVerifier | undefined;
  /** Of an ApiSpec, "namespace/name". */
  requestRules(apiSpec: string): RequestRules | undefined;
  /** Of a DescriptorSet, "namespace/name"; undefined: nobody knows them yet. */
  descriptors(descriptorSet: string): Types | undefined;
  /** Who calls; undefined before an authentication filter has found out, and for callers whom nobody asked. */
  readonly identity: Identity | undefined;
  /** The credentials are good: told by authentication filters alone, while the request head is filtered. A later call completes an earlier one. */
  identify(identity: Identity): void;

  /** A filter would have refused the request, were it enforced here. */
  noteShadowRefusal(filter: Filter, reason: RefusalReason): void;

  /**
   * Begins a copy of the request, with the fields that go upstream at this moment, for another Service ("namespace/name"). Undefined: too many
   * are under way, or they hold too much. Nobody waits for it, and nobody learns what came of it. `bodyBytesMax`: of the body that will be given
   * to it.
   */
  openCopy(service: string, bodyBytesMax: number): RequestCopy | undefined;

  /** Asks a Service ("namespace/name"); undefined: no whole answer came in time. */
  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined>;

  /** Somebody else has looked at the request, and may have let it in for reasons that `identity` does not tell. */
  isJudgedElsewhere: boolean;
  /** What makes the response behind the filter whose turn it is; while the request head is filtered. */
  readonly onward: Onward;
  /**
   * Runs the request once more from behind the filter whose turn it is, apart from this exchange, which may end meanwhile: with these fields,
   * without a body. Gives what the filter would see of the response. Undefined: no whole answer. While the request head is filtered.
   */
  askOnward(question: OnwardQuestion): Promise<ServiceAnswer | undefined>;
  /** What the cache has done for the request; the last word counts. */
  noteCache(result: CacheResult): void;

  /**
   * What lets the request pass holds until then, in milliseconds since 1970: a stream that the response becomes ends when it is over, after the
   * grace of its Route, unless `onExpire` says otherwise. While the request head is filtered; the earliest counts.
   */
  expireAt(wallMs: number): void;

  /** What goes to the client: may be changed while the response head is filtered. Flat, and without framing, as above. */
  responseStatus: number;
  /** It is an upstream's, and its body has an end of its own: neither a stream, nor one that only the end of its connection ends. */
  readonly isWholeOfUpstream: boolean;
  /** Of its body, where that is known. */
  readonly responseBytes: number | undefined;
  readonly responseFields: string[];
  /** Of an upstream of HTTP/2, flat; there once its body is over. */
  readonly responseTrailers: readonly string[] | undefined;
  /** Who is told of limits is told by X-RateLimit-* as well. */
  readonly legacyRateLimitHeaders: boolean;
  /**
   * Waits for the whole body, of `bytesMax` bytes at most, while the response head is filtered; empty where there is none. A stream has no end,
   * and is too large. Chunk hooks see it later.
   */
  readResponseBody(bytesMax: number): Sooner<ReadBody>;
  /** Another body takes the place of the one that was read. Where the response has none (HEAD), its head declares no length. */
  replaceResponseBody(body: Uint8Array): void;
}

/** Stands for what is behind a filter: the same object as long as neither the Route nor any of the filters is another. */
export interface Onward {
  /** Stands for the Route as it is written. */
  readonly route: object;
  readonly filters: readonly Filter[];
}

/** How a call by gRPC is told to a client that does not speak it. */
export interface GrpcTranslation {
  /** What the client gives it; absent: what `grpc-timeout` says, where the gateway knows the client's protocol. */
  readonly timeoutMs?: number;
  /**
   * Bytes for the end of a body that has begun, where the call has failed since. Absent: the client is cut off, or told in the way of its own
   * protocol.
   */
  lastWords?(status: GrpcStatus): Uint8Array;
}

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

export interface OnwardQuestion {
  /** Flat. */
  readonly fields: readonly string[];
  /** A longer answer is none. */
  readonly bodyBytesMax: number;
}

/** `collapsed`: it waited for the answer to another request. `bypass`: the cache has no say in it. */
export type CacheResult = 'hit' | 'stale' | 'revalidated' | 'collapsed' | 'miss' | 'bypass';

/** A body; or `tooLarge`; or `noRoom`: the worker holds too many. What is not given goes on as it is, if its head does. */
export type ReadBody = Uint8Array | 'tooLarge' | 'noRoom';

/** A request of a filter's own. */
export interface ServiceQuestion {
  readonly method: string;
  readonly target: string;
  /** Flat, with host, without framing. */
  readonly fields: readonly string[];
  readonly timeoutMs: number;
  readonly body?: Uint8Array;
  /** Says so to an upstream of HTTP/2; absent: no. */
  readonly wantsTrailers?: boolean;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Flat, without framing. */
  readonly fields: readonly string[];
  /** Of a Service at most 64 KiB; what is longer is no answer. */
  readonly body: Uint8Array;
  /** Flat; of an upstream of HTTP/2. */
  readonly trailers?: readonly string[];
}

/** A copy that waits for its body; one of the two ends it. */
export interface RequestCopy {
  /** The body is whole. */
  send(body: readonly Uint8Array[]): void;
  /** It is not sent: its body is too large, or the request came to nothing. */
  drop(why: 'tooLarge' | 'abandoned'): void;
}

/** A whole response in place of the upstream's. To HEAD its head alone is sent, with the length that the body would have. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** Flat. Neither framing nor Connection. */
  readonly fields: readonly string[];
  /** Goes nowhere where the status allows none. */
  readonly body: Uint8Array;
}

/** The reasons that filters have for a refusal. Each is one of the node's, which knows its status and how the client is told. */
export type RefusalReason =
  | 'auth_unavailable'
  | 'bad_request'
  | 'descriptors_unavailable'
  | 'forbidden'
  | 'gone'
  | 'internal'
  | 'limits_unavailable'
  | 'method_not_allowed'
  | 'no_grpc_method'
  | 'overloaded'
  | 'payload_too_large'
  | 'quota_exceeded'
  | 'rate_limited'
  | 'unauthenticated'
  | 'upstream_protocol_error';

/** The request is refused in the gateway's own words. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly reason: RefusalReason;
  /** A whole sentence for the client; absent: the reason's own. */
  readonly detail?: string;
  /** Header fields that belong to it, such as WWW-Authenticate: flat. */
  readonly fields?: readonly string[];
  /** Members of the problem document besides the usual ones; `type` takes the place of the reason's own (RFC 9457 section 3). */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * Thrown by a hook that has a body's chunks or its end: the request is refused, unless its answer has begun, which is cut off then. Not a failure of
 * the filter.
 */
export class RefusedBody extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail ?? refusal.reason);
    this.refusal = refusal;
  }
}

/** A filter's answer to a head: go on, and let me have the body as well. What comes out has no known length. */
export const takesBody = 'takesBody' as const;

/** A filter's answer to a head: go on, and show me the body, of which every chunk comes out as it went in. */
export const watchesBody = 'watchesBody' as const;

/** A filter's answer to a head: the client's connection is cut, or its stream reset, without another word. */
export const cutsOff = 'cutsOff' as const;

/** Undefined: go on. An answer or a refusal of a request: no upstream is asked. Of a response: it takes its place. */
export type Verdict = undefined | typeof takesBody | typeof watchesBody | typeof cutsOff | Answer | Refusal;

/** A message of a WebSocket's client, whole. */
export interface ClientMessage {
  readonly data: Uint8Array;
  /** Valid UTF-8, else binary. */
  readonly isText: boolean;
}

/** A WebSocket is closed for a message: a code that an application may send (RFC 6455 section 7.4), and at most 123 bytes of UTF-8. */
export interface MessageRefusal {
  readonly code: number;
  readonly reason: string;
}

/** A value where the filter knows at once, a promise only where it must wait: then nobody else waits for nothing. */
export type Sooner<T> = T | Promise<T>;

/** How an exchange ended. */
export interface ExchangeOutcome {
  /** What the client was told; 499 when it was told nothing. */
  readonly status: number;
  /** The gateway's reason for a refusal or a broken connection; undefined for an answer passed on whole. */
  readonly reason: string | undefined;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * One filter as configured, shared by every Route that has it and by all of their exchanges: what belongs to one exchange is its
 * state, made by `createState` when the request reaches the filter and handed to every hook.
 *
 * All hooks are optional. Order: `onRequestHead` of each filter of the chain, first to last; then chunks of the body, in the same order,
 * through those that asked for it. Responses come the other way, and only through filters that the request has reached, the one
 * that answered included: each sees one response head at most, whoever made the response. A request body may still be on its way
 * while the response passes. `onEnd` comes once for every filter that the request has reached, however the exchange ended.
 *
 * A hook that throws, or whose promise rejects, is an error of ours: the client gets 500 `internal`, or a cut connection when its
 * response has begun, and the request goes nowhere (fail closed). After `onEnd` nothing comes, also not what a promise still brings.
 *
 * Hot path: where every hook returns plain values, a request through a chain makes no promise, closure or object, except those
 * that hooks make themselves.
 */
export interface Filter<State = unknown> {
  /** The filter's key in the configuration: a bounded set, fit for a metric. */
  readonly kind: string;
  /** The name that it is replaced and removed by. */
  readonly name: string;
  /** It answers the CORS preflights of its Routes, whatever methods these take. */
  readonly answersPreflights?: boolean;
  /**
   * Of a filter that decides who is let in: a text that stands for what it demands, different when it demands something else. A stream whose
   * Route demands what it did not demand when the stream was let in ends, and one whose Route demands less stays.
   */
  readonly demands?: string;
  /** What it puts of the request into what goes on or comes back, besides method and path; `any`: nobody knows. */
  readonly sources?: readonly TemplateVariable[] | 'any';
  /** Before any filter of the chain sees the request, where it has a query or a referer: keeps secrets in them from the access log, whoever refuses the request. */
  hideSecrets?(exchange: FilterExchange): void;
  createState?(): State;
  onRequestHead?(exchange: FilterExchange, state: State): Sooner<Verdict>;
  /** What goes on in place of the chunk: itself, another, or nothing. The chunk is not kept beyond the promise. */
  onRequestChunk?(chunk: Uint8Array, exchange: FilterExchange, state: State): Sooner<Uint8Array | undefined>;
  /** The body is over: what is to be sent after it, if anything. */
  onRequestEnd?(exchange: FilterExchange, state: State): Sooner<Uint8Array | undefined>;
  onResponseHead?(exchange: FilterExchange, state: State): Sooner<Verdict>;
  onResponseChunk?(chunk: Uint8Array, exchange: FilterExchange, state: State): Sooner<Uint8Array | undefined>;
  onResponseEnd?(exchange: FilterExchange, state: State): Sooner<Uint8Array | undefined>;
  /** Each message of a WebSocket's client, before it goes on; to have this hook makes the node read its frames. */
  onMessage?(message: ClientMessage, exchange: FilterExchange, state: State): MessageRefusal | undefined;
  /** What it told by `expireAt` is over: gives until when it holds now, in milliseconds since 1970, or undefined to have the stream end. */
  onExpire?(exchange: FilterExchange, state: State): number | undefined;
  onEnd?(exchange: FilterExchange, outcome: ExchangeOutcome, state: State): void;
}
