/** What an exchange is known by and counted in, and the table that it holds: what it takes it gives back once. */

import { fieldValue } from '@causeway/filters/fields';
import type { Filter, GrpcTranslation, RefusalReason } from '@causeway/filters/filter';
import { messageOf } from '@causeway/runtime/errors';

import type { CountKey } from '../counts/shared-counts.ts';
import type { Table } from '../table/table.ts';
import type { TableGeneration } from '../table/table-generations.ts';
import type { BodyLength, Downstream, FieldList } from './exchange.ts';
import type { ExchangeTimeouts } from './exchange-deadlines.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import type { FilteredExchange } from './filtered-exchange.ts';
import { GrpcCall } from './grpc-call.ts';
import { joinedField } from './head-fields.ts';
import type { BodyRoom } from './held-body.ts';
import { pendingRefusal, type PendingResponse } from './pending-response.ts';
import type { ProxyContext } from './proxy-context.ts';
import { type Refusal, reasons } from './reasons.ts';
import { ownFields } from './response-head.ts';
import { TimedExchange } from './timed-exchange.ts';
import { Upload } from './upload.ts';

/** A base class for the same reason as `TimedExchange` is one. */
export abstract class CountedExchange extends TimedExchange {
  readonly record: ExchangeRecord;
  protected readonly downstream: Downstream;
  /** Undefined for a request without a body. */
  protected readonly upload: Upload | undefined;
  /** Undefined without, or no more. */
  filters: FilteredExchange | undefined;
  /** It is one by gRPC. */
  grpc: GrpcCall | undefined;
  /** 0 = unlimited. */
  protected bodyBytesMax = 0;
  #generation: TableGeneration | undefined;
  /** Of its Route, where that has a limit. */
  #routeKey: CountKey | undefined;

  constructor(
    context: ProxyContext,
    downstream: Downstream,
    generation: TableGeneration,
    record: ExchangeRecord,
  ) {
    super(context, record.startedMs);
    this.#generation = generation;
    this.record = record;
    this.downstream = downstream;
    this.upload = downstream.head.bodyLength === 0 ? undefined : new Upload(downstream, this.watch);
    context.shared.slices.add('activeRequests', 1);
    context.observer.onExchangeStart();
  }

  get method(): string {
    return this.downstream.head.method;
  }

  /** Of the request's body as it goes upstream. */
  get requestLength(): BodyLength {
    const { bodyLength } = this.downstream.head;
    return this.filters?.requestLength ?? (bodyLength < 0 ? 'unknown' : bodyLength);
  }

  get bodyRoom(): BodyRoom {
    return this.context.bodyRoom;
  }

  get hasRequestBody(): boolean {
    return this.upload !== undefined;
  }

  /** The client does not take what it has been sent. */
  get isBehind(): boolean {
    return this.watch.hasBacklog;
  }

  /** Of an exchange that holds one. */
  get table(): Table {
    return this.#generation!.table;
  }

  /** From now on these limits hold. */
  limit(timeouts: ExchangeTimeouts, bodyBytesMax: number): void {
    this.watch.timeouts = timeouts;
    this.#keepDeadline();
    this.bodyBytesMax = bodyBytesMax;
  }

  callGrpc(translation: GrpcTranslation): void {
    this.grpc ??= new GrpcCall('translated', undefined);
    this.grpc.translate(translation);
    this.#keepDeadline();
  }

  #keepDeadline(): void {
    if (this.grpc?.timeoutMs !== undefined)
      this.watch.callerDueMs = this.record.startedMs + this.grpc.timeoutMs;
  }

  /** Counts this exchange among those of its Route; false when there are `max` already. */
  enterRoute(name: string, max: number): boolean {
    this.#routeKey = this.context.shared.enterRoute(name, max);
    return this.#routeKey !== undefined;
  }

  /** Of the body that the client sends. */
  protected get isTooLarge(): boolean {
    return this.bodyBytesMax > 0 && this.record.bytesIn > this.bodyBytesMax;
  }

  describeRefusal(refusal: Refusal): PendingResponse {
    const { record } = this;
    record.reason ??= refusal.reason;
    if (this.grpc !== undefined) record.grpcStatus = reasons[refusal.reason].grpc;
    const accept = joinedField(this.downstream.head, 'accept');
    return (
      this.grpc?.describeRefusal(refusal, record.requestId) ??
      pendingRefusal(refusal, record.requestId, accept)
    );
  }

  onFilterError(filter: Filter, error: unknown): void {
    const { requestId, route } = this.record;
    this.context.logger.error({ err: error, requestId, route, filter: filter.name }, 'a filter failed');
    this.context.observer.onFilterError(filter.kind);
  }

  onFilterRefusal(filter: Filter, reason: RefusalReason, isShadow: boolean): void {
    const { record } = this;
    if (isShadow)
      record.shadow = `${record.shadow === undefined ? '' : `${record.shadow},`}${filter.name}:${reason}`;
    this.context.observer.onFilterRefusal(filter.kind, reason, isShadow);
  }

  flushStream(): void {
    this.downstream.flush();
  }

  protected get bytesIn(): number {
    return this.record.bytesIn;
  }

  protected signed(fields: FieldList): FieldList {
    return ownFields(this.noted(fields), this.record.requestId, this.context.clock.wallMs());
  }

  /** Gives them back; the access log is told the status of a call by gRPC, of which they may tell. */
  protected noted(fields: FieldList): FieldList {
    const text = this.grpc && fieldValue(fields, 'grpc-status');
    if (text !== undefined && /^\d{1,5}$/.test(text)) this.record.grpcStatus = Number(text);
    return fields;
  }

  /** A stream lasts, and needs no table from its head on: it would keep old ones for as long as it lives. */
  protected letGoOfTable(): void {
    this.#generation?.release();
    this.#generation = undefined;
  }

  protected leaveCounts(): void {
    const { slices, routes } = this.context.shared;
    slices.add('activeRequests', -1);
    if (this.#routeKey !== undefined) routes.leave(this.#routeKey);
    this.letGoOfTable();
  }

  /** `isUpgraded`: it has become a WebSocket, which goes on with the record. */
  protected tellOver(nowMs: number, isUpgraded: boolean): void {
    const { logger, observer } = this.context;
    this.record.durationMs = nowMs - this.record.startedMs;
    try {
      if (isUpgraded) observer.onUpgraded(this.record);
      else observer.onExchangeOver(this.record);
    } catch (error) {
      // What only watches must not break what it watches.
      logger.error({ err: error }, `observer failed: ${messageOf(error)}`);
    }
  }
}
