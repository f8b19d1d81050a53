/** What a worker counts of its traffic: names are part of the contract, labels are bounded and never hold a path, a key or an address. */

import type { PluginFailureCause } from '@causeway/filters/plugin/plugin';
import type { CacheCounts } from '@causeway/filters/cache/cache-store';
import type { LoginEvent } from '@causeway/filters/oidc/login-services';
import type { CounterCell, GaugeCell, HistogramCell } from '@causeway/runtime/metric-cells';
import { MetricRegistry } from '@causeway/runtime/metrics';

import { type ArrivalCounters, handshakeFailures, proxyFailures } from '../listen/arrival-counters.ts';
import type { ClientTimeoutCounters } from '../listen/client-timeout-counters.ts';
import { goawayReasons, type Http2Counters } from '../listen/http2/http2-counters.ts';
import type {
  ExchangeObserver,
  ExchangeRecord,
  MirrorResult,
  RetryResult,
} from '../proxy/exchange-record.ts';
import { type Reason, reasons } from '../proxy/reasons.ts';
import { liveStreamKinds, shownKinds, type StreamCounts } from '../streams/live-stream.ts';
import type { RevisionCount } from '../streams/live-streams.ts';
import type { StreamOutcome } from '../streams/stream-end.ts';
import { type BreakerState, breakerStates } from '../upstream/circuit-breaker.ts';
import type { PoolCounters } from '../upstream/pool-counters.ts';
import type { AccessLog } from './access-log.ts';
import { addCacheGauges } from './cache-gauges.ts';
import type { EventLoopDelays } from './event-loop-delay.ts';
import { loginCounter } from './login-counter.ts';

/** Read at each scrape. */
export interface TrafficGauges {
  readonly connections: number;
  /** Undefined before the first table. */
  readonly connectionsMax: number | undefined;
  readonly refusedConnections: {
    readonly total: number;
    readonly address: number;
    readonly descriptors: number;
  };
  readonly retiredTables: number;
  readonly clientTimeouts: ClientTimeoutCounters;
  readonly arrivals: ArrivalCounters;
  readonly http2: Http2Counters;
  readonly certificateExpiry: readonly { readonly certificate: string; readonly seconds: number }[];
  readonly pools: PoolCounters;
  /** By Service. */
  readonly upstreamConnections: readonly {
    readonly service: string;
    readonly open: number;
    readonly waiting: number;
  }[];
  /** Of Services that have one. */
  readonly cache: CacheCounts;
  readonly breakers: readonly { readonly service: string; readonly state: BreakerState }[];
  readonly streams: {
    readonly counts: StreamCounts;
    /** The newest first. */
    readonly byRevision: readonly RevisionCount[];
  };
  readonly eventLoop: EventLoopDelays;
}

/** Series of one metric: routes times services times outcomes. */
const requestSeriesMax = 20_000;
const durationSeriesMax = 5_000;
/** Revisions of streams that have a series of their own. */
const revisionsShownMax = 8;
/** Outcomes that are looked through before a key is made. */
const recentMax = 8;

const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
]);

/** The cells of one outcome. */
interface OutcomeCells {
  readonly requests: CounterCell;
  readonly duration: HistogramCell;
  readonly upstream: HistogramCell | undefined;
}

export class TrafficMetrics implements ExchangeObserver {
  readonly registry = new MetricRegistry();
  readonly #accessLog: AccessLog;
  readonly #requests = this.registry.counter({
    name: 'causeway_requests_total',
    help: 'Requests by Route, Service, status and reason; reason is empty for answers of the upstream.',
    labelNames: ['route', 'service', 'code', 'reason'],
    labelSetsMax: requestSeriesMax,
  });
  readonly #duration = this.registry.histogram({
    name: 'http_server_request_duration_seconds',
    help: 'From the head of a request to the end of its response.',
    labelNames: ['http_request_method', 'http_response_status_code', 'http_route', 'error_type'],
    labelSetsMax: durationSeriesMax,
  });
  readonly #upstreamDuration = this.registry.histogram({
    name: 'http_client_request_duration_seconds',
    help: 'The part of the upstream in an exchange.',
    labelNames: ['http_request_method', 'http_response_status_code', 'service', 'error_type'],
    labelSetsMax: durationSeriesMax,
  });
  readonly #active = this.registry
    .gauge({ name: 'http_server_active_requests', help: 'Requests that are being handled.' })
    .cell({});
  readonly #upstreamActive = this.registry.gauge({
    name: 'causeway_upstream_active_requests',
    help: 'Requests that wait for an upstream.',
    labelNames: ['service'],
  });
  readonly #filterErrors = this.registry.counter({
    name: 'causeway_filter_errors_total',
    help: 'Failures of filters, by their kind; each was answered 500, or ended its connection.',
    labelNames: ['filter'],
  });
  readonly #pluginFailures = this.registry.counter({
    name: 'causeway_plugin_failures_total',
    help: 'Failures of plugins, by hook and cause: error, timeout, slow (computed longer than it may; its answer counted).',
    labelNames: ['plugin', 'hook', 'cause'],
  });
  readonly #filterRefusals = this.registry.counter({
    name: 'causeway_filter_refusals_total',
    help: 'Requests that filters refused, by kind and reason; enforcement shadow: that they would have refused.',
    labelNames: ['filter', 'reason', 'enforcement'],
  });
  readonly #cacheRequests = this.registry.counter({
    name: 'causeway_cache_requests_total',
    help: 'Requests that a cache saw, by Route and by what it did: hit, stale, revalidated, collapsed, miss, bypass.',
    labelNames: ['route', 'result'],
    labelSetsMax: durationSeriesMax,
  });
  readonly #retries = this.registry.counter({
    name: 'causeway_retries_total',
    help: 'Requests that were to be sent once more, by what came of it: success, failure, overBudget, overLimit, circuitOpen.',
    labelNames: ['service', 'result'],
  });
  readonly #mirrored = this.registry.counter({
    name: 'causeway_mirrored_requests_total',
    help: 'Copies of requests for another Service, by what came of it: success, failure, tooLarge, overLimit, abandoned.',
    labelNames: ['service', 'result'],
  });
  readonly #logins = loginCounter(this.registry);
  readonly #breakerTransitions = this.registry.counter({
    name: 'causeway_breaker_transitions_total',
    help: 'Changes of circuit breakers, by the state that they came to.',
    labelNames: ['service', 'to'],
  });
  readonly #streamEnds = this.registry.counter({
    name: 'causeway_streams_ended_total',
    help: 'Streams that are over, by kind and why: every WebSocket, and those responses that their node ended.',
    labelNames: ['kind', 'why'],
  });
  readonly #outcomes = new Map<string, OutcomeCells>();
  readonly #recent: { record: ExchangeRecord; cells: OutcomeCells }[] = [];
  #nextRecent = 0;
  readonly #upstreamCells = new Map<string, GaugeCell>();

  constructor(accessLog: AccessLog, gauges: () => TrafficGauges) {
    this.#accessLog = accessLog;
    this.#addGauges(gauges);
  }

  onExchangeStart(): void {
    this.#active.add(1);
  }

  onUpstreamStart(service: string): void {
    this.#upstreamCell(service).add(1);
  }

  onUpstreamOver(service: string): void {
    this.#upstreamCell(service).add(-1);
  }

  onRetry(service: string, result: RetryResult): void {
    this.#retries.cell({ service, result }).add(1);
  }

  onMirrored(service: string, result: MirrorResult): void {
    this.#mirrored.cell({ service, result }).add(1);
  }

  onLogin(provider: string, event: LoginEvent): void {
    this.#logins.cell({ provider, event }).add(1);
  }

  onBreaker(service: string, to: BreakerState): void {
    this.#breakerTransitions.cell({ service, to }).add(1);
  }

  onFilterError(kind: string): void {
    this.#filterErrors.cell({ filter: kind }).add(1);
  }

  onPluginFailure(plugin: string, hook: string, cause: PluginFailureCause): void {
    this.#pluginFailures.cell({ plugin, hook, cause }).add(1);
  }

  onFilterRefusal(kind: string, reason: Reason, isShadow: boolean): void {
    this.#filterRefusals.cell({ filter: kind, reason, enforcement: isShadow ? 'shadow' : 'enforce' }).add(1);
  }

  onExchangeOver(record: ExchangeRecord): void {
    this.#count(record);
    if (record.ended !== undefined) this.#noteEnd(record, record.ended);
    if (record.isLogged) this.#accessLog.add(record);
  }

  onUpgraded(record: ExchangeRecord): void {
    this.#count(record);
  }

  onWebSocketOver(record: ExchangeRecord): void {
    this.#noteEnd(record, record.ended ?? 'closed');
    if (record.isLogged) this.#accessLog.add(record);
  }

  #noteEnd({ stream }: ExchangeRecord, why: StreamOutcome): void {
    this.#streamEnds.cell({ kind: stream ?? '', why }).add(1);
  }

  #count(record: ExchangeRecord): void {
    this.#active.add(-1);
    if (record.cache !== undefined)
      this.#cacheRequests.cell({ route: record.route ?? '', result: record.cache }).add(1);
    const cells = this.#cellsOf(record);
    cells.requests.add(1);
    cells.duration.observe(record.durationMs / 1000);
    if (record.upstreamMs !== undefined) cells.upstream?.observe(record.upstreamMs / 1000);
  }

  /** Hot path: nearly all traffic has one of a few outcomes, which are told by their parts without making a key of them. */
  #cellsOf(record: ExchangeRecord): OutcomeCells {
    for (const recent of this.#recent) if (isSameOutcome(recent.record, record)) return recent.cells;
    const cells = this.#findCells(record);
    this.#recent[this.#nextRecent] = { record, cells };
    this.#nextRecent = (this.#nextRecent + 1) % recentMax;
    return cells;
  }

  #findCells(record: ExchangeRecord): OutcomeCells {
    const { method, status, reason = '', route = '', routePath = '', service = '' } = record;
    const key = `${status} ${method} ${reason} ${route} ${service} ${routePath}`;
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    // Methods are free text of clients; the map of cells must not grow by it.
    const methodLabel = knownMethods.has(method) ? method : '_OTHER';
    const code = String(status);
    const labels = { http_request_method: methodLabel, http_response_status_code: code, error_type: reason };
    // What the gateway answered in its own name no upstream has said.
    const said = isOwnStatus(status, record.reason) ? { http_response_status_code: '' } : {};
    const cells = {
      requests: this.#requests.cell({ route, service, code, reason }),
      duration: this.#duration.cell({ ...labels, http_route: routePath }),
      upstream: service === '' ? undefined : this.#upstreamDuration.cell({ ...labels, ...said, service }),
    };
    if (methodLabel === method && this.#outcomes.size < requestSeriesMax) this.#outcomes.set(key, cells);
    return cells;
  }

  #upstreamCell(service: string): GaugeCell {
    const known = this.#upstreamCells.get(service);
    if (known !== undefined) return known;
    const cell = this.#upstreamActive.cell({ service });
    this.#upstreamCells.set(service, cell);
    return cell;
  }

  #addGauges(gauges: () => TrafficGauges): void {
    const gauge = (name: string, help: string): GaugeCell => this.registry.gauge({ name, help }).cell({});
    const total = (name: string, help: string): GaugeCell =>
      this.registry.counter({ name, help }).cell({}) as GaugeCell;
    const connections = gauge('causeway_connections', 'Open connections of clients.');
    const connectionsMax = this.registry
      .gauge({
        name: 'causeway_connections_max',
        help: 'Connections of clients that this node takes, by its Gateway and by its file descriptors.',
        combine: 'max',
      })
      .cell({});
    const refused = this.registry.counter({
      name: 'causeway_connections_refused_total',
      help: 'Connections of clients that were closed at once, by the limit that they exceeded.',
      labelNames: ['limit'],
    });
    const refusedTotal = refused.cell({ limit: 'maxConnections' }) as GaugeCell;
    const refusedAddress = refused.cell({ limit: 'maxConnectionsPerAddress' }) as GaugeCell;
    const refusedDescriptors = refused.cell({ limit: 'fileDescriptors' }) as GaugeCell;
    const retired = gauge('causeway_tables_retired', 'Old tables that still have exchanges.');
    const dropped = total('causeway_access_log_dropped_total', 'Access log lines that nobody took in time.');
    const refreshMore = this.#addTrafficGauges();
    const refreshArrivals = this.#addArrivalGauges();
    const refreshHttp2 = this.#addHttp2Gauges();
    const refreshBreakers = this.#addBreakerGauge();
    const refreshStreams = this.#addStreamGauges();
    const refreshCache = addCacheGauges(this.registry);
    this.registry.onCollect(() => {
      const now = gauges();
      refreshMore(now);
      refreshArrivals(now);
      refreshHttp2(now);
      refreshBreakers(now);
      refreshStreams(now);
      refreshCache(now.cache);
      connections.set(now.connections);
      connectionsMax.set(now.connectionsMax ?? 0);
      refusedTotal.set(now.refusedConnections.total);
      refusedAddress.set(now.refusedConnections.address);
      refusedDescriptors.set(now.refusedConnections.descriptors);
      retired.set(now.retiredTables);
      dropped.set(this.#accessLog.dropped);
    });
  }

  /** Of what comes before a connection's first request; gives what refreshes it. */
  #addArrivalGauges(): (now: TrafficGauges) => void {
    const failed = this.registry.counter({
      name: 'causeway_tls_handshake_failures_total',
      help: 'TLS handshakes of clients that failed, by reason.',
      labelNames: ['reason'],
    });
    const unproxied = this.registry.counter({
      name: 'causeway_proxy_protocol_failures_total',
      help: 'Connections that were closed for want of a PROXY header that can be believed and read, by reason.',
      labelNames: ['reason'],
    });
    const expiry = this.registry.gauge({
      name: 'causeway_certificate_expiry_seconds',
      help: 'How long a Certificate of this node is still valid, trust bundles by their first one; negative when it is over.',
      labelNames: ['certificate'],
      combine: 'max',
    });
    const shown = new Set<string>();
    return ({ arrivals, certificateExpiry }) => {
      for (const reason of handshakeFailures)
        (failed.cell({ reason }) as GaugeCell).set(arrivals.handshakes[reason]);
      for (const reason of proxyFailures)
        (unproxied.cell({ reason }) as GaugeCell).set(arrivals.proxy[reason]);
      for (const certificate of shown) expiry.remove({ certificate });
      shown.clear();
      for (const { certificate, seconds } of certificateExpiry) {
        expiry.cell({ certificate }).set(seconds);
        shown.add(certificate);
      }
    };
  }

  /** Of HTTP/2 connections of clients; gives what refreshes them. */
  #addHttp2Gauges(): (now: TrafficGauges) => void {
    const connections = this.registry
      .gauge({ name: 'causeway_http2_connections', help: 'Open connections of clients that speak HTTP/2.' })
      .cell({});
    const requests = this.registry
      .counter({ name: 'causeway_http2_requests_total', help: 'Requests that came over HTTP/2.' })
      .cell({}) as GaugeCell;
    const resets = this.registry.counter({
      name: 'causeway_http2_resets_total',
      help: 'Requests over HTTP/2 that ended by a reset: of the client, or for what it did; or of the node, which could not complete an answer.',
      labelNames: ['by'],
    });
    const goaways = this.registry.counter({
      name: 'causeway_http2_goaways_total',
      help: 'HTTP/2 connections of which clients were told that they end, by reason.',
      labelNames: ['reason'],
    });
    return ({ http2 }) => {
      connections.set(http2.connections);
      requests.set(http2.requests);
      for (const by of ['client', 'node'] as const) (resets.cell({ by }) as GaugeCell).set(http2.resets[by]);
      for (const reason of goawayReasons) (goaways.cell({ reason }) as GaugeCell).set(http2.goaways[reason]);
    };
  }

  /** Of streams; gives what refreshes them. */
  #addStreamGauges(): (now: TrafficGauges) => void {
    const streams = this.registry.gauge({
      name: 'causeway_streams',
      help: 'Streams that are open: WebSockets, event streams, and responses of NDJSON or gRPC.',
      labelNames: ['kind'],
    });
    const revisions = this.registry.gauge({
      name: 'causeway_streams_by_revision',
      help: `The same by the revision under which they began: the ${revisionsShownMax} newest, and all "older" ones.`,
      labelNames: ['revision'],
    });
    let shown: readonly string[] = [];
    return ({ streams: now }) => {
      for (const kind of liveStreamKinds) streams.cell({ kind: shownKinds[kind] }).set(now.counts[kind]);
      for (const revision of shown) revisions.remove({ revision });
      const newest = now.byRevision.slice(0, revisionsShownMax);
      const older = now.byRevision.slice(revisionsShownMax);
      for (const { revision, count } of newest) revisions.cell({ revision: String(revision) }).set(count);
      if (older.length > 0)
        revisions.cell({ revision: 'older' }).set(older.reduce((sum, { count }) => sum + count, 0));
      shown = [...newest.map(({ revision }) => String(revision)), 'older'];
    };
  }

  /** Of circuit breakers; gives what refreshes it. */
  #addBreakerGauge(): (now: TrafficGauges) => void {
    const gauge = this.registry.gauge({
      name: 'causeway_breaker_state',
      help: 'States of circuit breakers: 1 for the one that it is in, 0 for the others.',
      labelNames: ['service', 'state'],
      combine: 'max',
    });
    let shown: TrafficGauges['breakers'] = [];
    return ({ breakers }) => {
      for (const { service } of shown) for (const state of breakerStates) gauge.remove({ service, state });
      for (const { service, state } of breakers)
        for (const each of breakerStates) gauge.cell({ service, state: each }).set(each === state ? 1 : 0);
      shown = breakers;
    };
  }

  /** Of sockets, pools and the event loop; gives what refreshes them. */
  #addTrafficGauges(): (now: TrafficGauges) => void {
    const timeouts = this.registry.counter({
      name: 'causeway_client_timeouts_total',
      help: 'Connections of clients that were ended for taking too long between or before requests, by the limit.',
      labelNames: ['limit'],
    });
    const keepAlive = timeouts.cell({ limit: 'keepAlive' }) as GaugeCell;
    const requestHead = timeouts.cell({ limit: 'requestHead' }) as GaugeCell;
    const tlsHandshake = timeouts.cell({ limit: 'tlsHandshake' }) as GaugeCell;
    const pools = this.registry.counter({
      name: 'causeway_upstream_pool_events_total',
      help: 'What pools of upstream connections did: opened, failed to connect, repeated a request on a stale connection or that the upstream had not looked at, refused one.',
      labelNames: ['event'],
    });
    const opened = pools.cell({ event: 'opened' }) as GaugeCell;
    const failed = pools.cell({ event: 'connectFailed' }) as GaugeCell;
    const repeated = pools.cell({ event: 'staleRepeat' }) as GaugeCell;
    const refusedRepeats = pools.cell({ event: 'refusedRepeat' }) as GaugeCell;
    const refused = pools.cell({ event: 'refused' }) as GaugeCell;
    const open = this.registry.gauge({
      name: 'causeway_upstream_connections',
      help: 'Connections to the endpoints of a Service.',
      labelNames: ['service'],
    });
    const waiting = this.registry.gauge({
      name: 'causeway_upstream_waiting_requests',
      help: 'Requests that wait for a connection to a Service.',
      labelNames: ['service'],
    });
    const delay = this.registry.gauge({
      name: 'causeway_event_loop_delay_seconds',
      help: 'How long what was due waited for the event loop, since the last scrape; quantile 1 is the longest wait.',
      labelNames: ['quantile'],
      combine: 'max',
    });
    const [median, p99, max] = ['0.5', '0.99', '1'].map((quantile) => delay.cell({ quantile }));
    const shown = new Set<string>();
    return (now) => {
      keepAlive.set(now.clientTimeouts.keepAlive);
      requestHead.set(now.clientTimeouts.requestHead);
      tlsHandshake.set(now.clientTimeouts.tlsHandshake);
      opened.set(now.pools.connectionsOpened);
      failed.set(now.pools.connectsFailed);
      repeated.set(now.pools.staleRepeats);
      refusedRepeats.set(now.pools.refusedRepeats);
      refused.set(now.pools.refused);
      for (const service of shown) {
        open.remove({ service });
        waiting.remove({ service });
      }
      shown.clear();
      for (const one of now.upstreamConnections) {
        open.cell({ service: one.service }).set(one.open);
        waiting.cell({ service: one.service }).set(one.waiting);
        shown.add(one.service);
      }
      median!.set(now.eventLoop.medianSeconds);
      p99!.set(now.eventLoop.p99Seconds);
      max!.set(now.eventLoop.maxSeconds);
    };
  }
}

function isOwnStatus(status: number, reason: Reason | undefined): boolean {
  return reason !== undefined && reasons[reason].status === status;
}

function isSameOutcome(one: ExchangeRecord, other: ExchangeRecord): boolean {
  return (
    one.status === other.status &&
    one.route === other.route &&
    one.service === other.service &&
    one.routePath === other.routePath &&
    one.method === other.method &&
    one.reason === other.reason
  );
}
