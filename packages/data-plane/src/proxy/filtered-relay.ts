/** What stands on both sides of the filters of an exchange: the request that they are shown, and the relay that does what they want. */

import { type ConsumerLookup, noConsumers, type ShownCertificate } from '@causeway/filters/consumers';
import type {
  Filter,
  FilterExchange,
  GrpcTranslation,
  Onward,
  OnwardQuestion,
  RefusalReason,
  RequestCopy,
  ServiceAnswer,
  ServiceQuestion,
} from '@causeway/filters/filter';
import type { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { RequestRules } from '@causeway/schema/request-rules';
import type { Types } from '@causeway/transcoding/types';

import type { BodyLength, FieldList } from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import type { BodyRoom } from './held-body.ts';
import type { PendingResponse } from './pending-response.ts';
import type { Refusal } from './reasons.ts';

/** What filters look up, all of one table. */
export interface KnownToFilters {
  readonly gateway: { readonly legacyRateLimitHeaders: boolean };
  readonly consumers: ConsumerLookup;
  /** By "namespace/name". */
  readonly tokenVerifiers: ReadonlyMap<string, TokenVerifier>;
  /** By "namespace/name" of ApiSpecs. */
  readonly requestRules: ReadonlyMap<string, RequestRules>;
  /** By "namespace/name" of DescriptorSets. */
  readonly descriptors: ReadonlyMap<string, Types>;
}

export const nothingKnown: KnownToFilters = {
  gateway: { legacyRateLimitHeaders: false },
  consumers: noConsumers,
  tokenVerifiers: new Map(),
  requestRules: new Map(),
  descriptors: new Map(),
};

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
  readonly known: KnownToFilters;
  header(lowerName: string): string | undefined;
  pathParameter(name: string): string | undefined;
  /** The fields that go upstream, made anew by each call. */
  upstreamFields(): string[];
  /** Steps behind the filters: pick an endpoint, write the head, send it. */
  send(target: string, fields: FieldList): void;
  /** See `FilterExchange`. */
  askService(service: string, question: ServiceQuestion): Promise<ServiceAnswer | undefined>;
  /** See `FilterExchange`; of this exchange, through the filters of `onward`. */
  askOnward(
    exchange: FilterExchange,
    onward: Onward,
    question: OnwardQuestion,
  ): Promise<ServiceAnswer | undefined>;
  /** See `FilterExchange`; with these fields. */
  openCopy(service: string, target: string, fields: FieldList, bodyBytesMax: number): RequestCopy | undefined;
}

/** What the relay does for it. */
export interface FilteredRelay {
  readonly record: ExchangeRecord;
  readonly bodyRoom: BodyRoom;
  readonly method: string;
  readonly hasRequestBody: boolean;
  /** Of the request's body. */
  readonly requestLength: BodyLength;
  /** See `FilterExchange`. */
  callGrpc(translation: GrpcTranslation): void;
  /** The body may come, though no upstream is asked yet. */
  readRequest(): void;
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
