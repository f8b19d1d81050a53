/** What a node knows of a stream for as long as it lives: by what it was let in, and how it can be ended. */

import type { FilterChain } from '@causeway/filters/filter-chain';

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { RouteEntry } from '../table/route-entry.ts';
import type { SharedFilters } from '../table/route-filters.ts';
import { type Table, tableService } from '../table/table.ts';
import type { StreamEnd } from './stream-end.ts';

/** `events`: a `text/event-stream`. `records`: NDJSON or gRPC, which have no end that a gateway could send in their name. */
export const liveStreamKinds = ['webSockets', 'events', 'records'] as const;
export type LiveStreamKind = (typeof liveStreamKinds)[number];

/** As operators see them. */
export const shownKinds = { webSockets: 'websocket', events: 'events', records: 'records' } as const;
export type ShownStreamKind = (typeof shownKinds)[LiveStreamKind];

export type StreamCounts = Readonly<Record<LiveStreamKind, number>>;

export function streamCounts(countOf: (kind: LiveStreamKind) => number): StreamCounts {
  return { webSockets: countOf('webSockets'), events: countOf('events'), records: countOf('records') };
}

export interface LiveStream {
  readonly kind: LiveStreamKind;
  readonly record: ExchangeRecord;
  readonly admission: StreamAdmission;
  /** Ends it politely at `atMs`, and cuts it when it has not come to an end by `cutMs`, monotonic. The first call counts. */
  condemn(why: StreamEnd, atMs: number, cutMs: number): void;
  /** Ends it at once, however. */
  cut(): void;
}

const none: readonly string[] = [];

/** By what an exchange was let in. */
export interface AdmissionFacts {
  readonly route: RouteEntry;
  /** That its client connected to. */
  readonly localPort: number;
  readonly table: Table;
  readonly chain: FilterChain | undefined;
}

/** What a judgement depends on besides table and Route. */
interface JudgedStream {
  readonly isOpen: boolean;
  readonly isWebSocket: boolean;
}

/** What a stream was let in by; looked at anew with every table. */
export class StreamAdmission {
  readonly #record: ExchangeRecord;
  readonly #localPort: number;
  /** What the filters of its Route demanded then. */
  readonly #demands: readonly string[];
  /** As it was when it was looked at last. */
  #route: RouteEntry;
  #filters: SharedFilters;

  constructor(record: ExchangeRecord, { route, localPort, table, chain }: AdmissionFacts) {
    this.#record = record;
    this.#localPort = localPort;
    this.#route = route;
    this.#filters = table.filters;
    this.#demands = chain?.demands ?? none;
  }

  get localPort(): number {
    return this.#localPort;
  }

  /** Why it may not stay under `table`, if it may not. `isOpen`: whether its port still is. */
  judge(
    table: Table,
    route: RouteEntry | undefined,
    { isOpen, isWebSocket }: JudgedStream,
  ): StreamEnd | undefined {
    if (!isOpen) return 'listenerGone';
    if (route === undefined || !this.#isCarried(table, route)) return 'routeGone';
    if (isWebSocket && !route.streams.webSocket.isEnabled) return 'disabled';
    const { service = '', endpoint = '' } = this.#record;
    // Of a host name its entry counts: that an address is not among its answers any more does not end what goes on there.
    if (tableService(table, service)?.hasEntry(endpoint.split('/', 1)[0]!) !== true) return 'endpointGone';
    return this.#isTightened(table, route) ? 'tightened' : undefined;
  }

  /** Whether some listener on its port has the Route. */
  #isCarried({ gateway }: Table, route: RouteEntry): boolean {
    // A port of 0 is any.
    return gateway.listeners.some(
      ({ name, port }) => (port === this.#localPort || port === 0) && route.isOn(name),
    );
  }

  #isTightened({ filters }: Table, route: RouteEntry): boolean {
    if (route === this.#route && filters === this.#filters) return false;
    this.#route = route;
    this.#filters = filters;
    const demands = route.filters.chainIn(filters)?.demands ?? none;
    return demands.some((demand) => !this.#demands.includes(demand));
  }
}
