/** From a response whose bytes may be far apart to the stream that its node knows of. */

import { Expiry } from '../streams/expiry.ts';
import { StreamAdmission } from '../streams/live-stream.ts';
import { type StreamedRelay, StreamedResponse } from '../streams/streamed-response.ts';
import type { RouteEntry } from '../table/route-entry.ts';
import type { Table } from '../table/table.ts';
import type { FilteredExchange } from './filtered-exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { PendingResponse } from './pending-response.ts';
import type { StreamKind } from './response-head.ts';

/** What of the exchange goes on in the stream. */
export interface StreamParts {
  readonly context: ProxyContext;
  readonly route: RouteEntry;
  readonly localPort: number;
  readonly table: Table;
  readonly filters: FilteredExchange | undefined;
}

export function openStream(
  relay: StreamedRelay,
  kind: StreamKind,
  { fields }: PendingResponse,
  { context, route, localPort, table, filters }: StreamParts,
): StreamedResponse {
  return new StreamedResponse(context, relay, {
    kind,
    keepAliveMs: route.streams.eventsKeepAliveMs,
    isEncoded: fields.some((field, index) => index % 2 === 0 && field.toLowerCase() === 'content-encoding'),
    admission: new StreamAdmission(relay.record, { route, localPort, table, chain: filters?.chain }),
    expiry: streamExpiry(context, filters, route),
  });
}

/** Undefined: nothing that let it in expires. */
export function streamExpiry(
  { clock }: ProxyContext,
  filters: FilteredExchange | undefined,
  { streams }: RouteEntry,
): Expiry | undefined {
  if (filters === undefined || filters.expiresAtMs === Infinity) return undefined;
  return new Expiry(clock, filters, streams.expiryGraceMs);
}
