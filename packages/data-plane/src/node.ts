/** A node without its process: takes snapshots, serves traffic by them, and drains. */

import type { KeyServices } from '@causeway/filters/api-key';
import { PasswordCheck } from '@causeway/filters/basic-auth/password-check';
import type { ChangedPlace } from '@causeway/filters/cache/cache-store';
import { ConsumerLimitsFilter } from '@causeway/filters/consumer-limits/consumer-limits';
import type { Filter } from '@causeway/filters/filter';
import { type KeySetChange, KeySets, type RefreshKeys } from '@causeway/filters/jwt/key-sets';
import { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { LoginServices } from '@causeway/filters/oidc/login-services';
import type { CompiledAuthProvider } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { readAuthProvider } from './table/read-auth-provider.ts';
import { create } from '@bufbuild/protobuf';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { sharedValues } from '@causeway/router/shared-map';
import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';
import { type AddressResolver, NameResolver } from '@causeway/runtime/name-resolver';
import { sliceWork } from '@causeway/runtime/work-slices';

import { ArrivalCounters } from './listen/arrival-counters.ts';
import { Http2Counters } from './listen/http2/http2-counters.ts';
import { ClientTimeoutCounters } from './listen/client-timeout-counters.ts';
import { type LoginOptions, loginServices } from './login/login-services.ts';
import { ConnectionCounts } from './listen/connection-counts.ts';
import { type BoundPorts, Ports } from './listen/ports.ts';
import { type StapleChange, Staples } from './listen/tls/ocsp/staples.ts';
import { TicketKeys } from './listen/tls/ticket-keys.ts';
import type { AccessLog } from './observe/access-log.ts';
import { configDump } from './observe/config-dump.ts';
import { prepareAccessLog } from './observe/prepare-access-log.ts';
import type { ExchangeObserver } from './proxy/exchange-record.ts';
import { NodeCache } from './cache/node-cache.ts';
import { createRequestHandler } from './proxy/handle-request.ts';
import { BodyRoom } from './proxy/held-body.ts';
import { Mirrors } from './proxy/mirrored-request.ts';
import type { ProxyContext } from './proxy/proxy-context.ts';
import { TimerWheel } from './proxy/timer-wheel.ts';
import { aloneShared, type NodeShared } from './counts/node-shared.ts';
import { loadPlugins } from './plugins/load-plugins.ts';
import { pluginFailures } from './plugins/plugin-failures.ts';
import { PluginModules } from './plugins/plugin-modules.ts';
import { ClusterCounts } from './redis/cluster-counts.ts';
import { RedisCounters } from './redis/redis-counters.ts';
import { RedisLink } from './redis/redis-link.ts';
import type { SnapshotTarget, SnapshotUpdate } from './sync/snapshot-target.ts';
import type { WorkerDrain } from './worker/drain-report.ts';
import { LiveStreams } from './streams/live-streams.ts';
import { type BuildFilter, filterBuilder } from './table/build-filters.ts';
import { buildTable } from './table/build-table.ts';
import type { GatewaySettings } from './table/gateway-settings.ts';
import type { Table } from './table/table.ts';
import { TableGenerations } from './table/table-generations.ts';
import { type AffinityKeyPair, AffinityKeys } from './upstream/balancing/affinity-keys.ts';
import { processRandom, type Random } from './upstream/balancing/member.ts';
import type { BreakerState } from './upstream/circuit-breaker.ts';
import type { PoolContext } from './upstream/endpoint-pool.ts';
import { EndpointPlaces } from './upstream/endpoint-places.ts';
import { FailureReport, logFailures, type TellFailure } from './upstream/failure-report.ts';
import { PoolCounters } from './upstream/pool-counters.ts';
import type { ServiceHandle } from './upstream/service-handle.ts';

export interface ProxyNodeOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer: ExchangeObserver;
  /** Follows the Gateway's settings; without it nothing is opened. */
  readonly accessLog?: AccessLog;
  /** Told why endpoints fail, at most once a minute for each reason; default: the log. */
  readonly onFailing?: TellFailure;
  /** Default: of this thread. */
  readonly resolver?: AddressResolver;
  /** What it counts together with other workers; default: it is alone. */
  readonly shared?: NodeShared;
  /** Places for connections to endpoints, shared in the same way. */
  readonly places?: EndpointPlaces;
  /** Ports of this process besides those for traffic, to which no upstream may lead. */
  readonly otherPorts?: () => readonly number[];
  /** That session tickets are sealed with; default: of its own. */
  readonly ticketKeys?: Uint8Array;
  /** That affinity cookies are signed with; default: of its own. */
  readonly affinityKeys?: AffinityKeyPair;
  /** Nodes of its Gateway, itself included; default: 1. */
  readonly fellows?: number;
  /** A key of a Consumer was used; at most once a minute for each. */
  readonly onKeyUsed?: KeyServices['onKeyUsed'];
  /** Default: nobody can log in. */
  readonly logins?: LoginOptions;
  /** Default: `Math.random`. */
  readonly random?: Random;
  /** Answers of OCSP for its certificates, of before it began. */
  readonly staples?: readonly StapleChange[];
  /** Among how many workers the memory of the node's cache is shared out; default: 1. */
  readonly workers?: number;
  /** A request has changed what the caches of other workers may hold. */
  readonly onCacheChanged?: (place: ChangedPlace) => void;
  /** Keys of issuers that there are so far. */
  readonly keySets?: readonly KeySetChange[];
  /** Has newer ones fetched. */
  readonly refreshKeys?: RefreshKeys;
  /** Default: the filters of the product. */
  readonly buildFilter?: BuildFilter;
  /** Default: none. */
  readonly plugins?: PluginModules;
  /** Where it stands: the label `zone`. */
  readonly zone?: string | undefined;
}

/** A table waits no longer for names that nobody answers for. */
const resolveMsMax = 2000;
/** How long sockets that were cut may take to close. */
const cutMsMax = 1000;
/** How often the end of the drain is looked for. */
const drainCheckMs = 20;
/** Of a node that never had a Gateway. */
const drainDefaultsMs = { drainDelayMs: 0, drainMs: 0 };

/** An update that is built and not live; one of the two ends it. */
export interface PreparedUpdate {
  readonly boundPorts: BoundPorts;
  readonly timeouts: GatewaySettings['timeouts'];
  commit(): void;
  /** Nothing of it is wanted after all. */
  abort(): void;
}

export class ProxyNode implements SnapshotTarget {
  readonly counts: ConnectionCounts;
  readonly affinityKeys: AffinityKeys;
  readonly timeoutCounters = new ClientTimeoutCounters();
  readonly arrivalCounters = new ArrivalCounters();
  readonly http2Counters = new Http2Counters();
  /** Of issuers of tokens. */
  readonly keySets: KeySets;
  readonly logins: LoginServices;
  readonly #ticketKeys: TicketKeys;
  readonly #staples: Staples;
  readonly poolCounters = new PoolCounters();
  readonly redisCounters = new RedisCounters();
  /** What the nodes of its Gateway count together. */
  readonly clusterCounts = new ClusterCounts(this.redisCounters);
  readonly cache: NodeCache;
  readonly #options: ProxyNodeOptions;
  readonly #generations = new TableGenerations();
  readonly #context: ProxyContext;
  readonly #ports: Ports;
  readonly #pools: PoolContext;
  readonly #resolver: AddressResolver;
  readonly #buildFilter: BuildFilter;
  readonly #plugins: PluginModules;
  readonly #consumerLimits: Filter;

  constructor(options: ProxyNodeOptions) {
    const { logger, clock, observer } = options;
    this.#options = options;
    const wheel = new TimerWheel(clock);
    const generations = this.#generations;
    const { shared = aloneShared() } = options;
    this.counts = new ConnectionCounts(shared);
    const affinityKeys = new AffinityKeys(options.affinityKeys);
    this.affinityKeys = affinityKeys;
    this.#context = {
      generations,
      wheel,
      clock,
      logger,
      observer,
      shared,
      mirrors: new Mirrors(),
      bodyRoom: new BodyRoom(),
      affinityKeys,
      streams: new LiveStreams(clock, shared.slices, options.random ?? processRandom, (port) =>
        this.#ports.has(port),
      ),
      hasDescriptors: () => this.counts.hasRoom,
      isDraining: false,
    };
    this.logins = loginServices(clock, observer, options.logins);
    const { random = processRandom } = options;
    this.#plugins = options.plugins ?? new PluginModules();
    const mergesSlashes = (): boolean => this.table?.gateway.mergeSlashes ?? true;
    this.cache = new NodeCache(clock, mergesSlashes, (place) => options.onCacheChanged?.(place));
    const wallMs = (): number => clock.wallMs();
    this.#consumerLimits = new ConsumerLimitsFilter({
      buckets: shared.tokenBuckets,
      clusterBuckets: this.clusterCounts,
      wallMs,
    });
    this.#buildFilter =
      options.buildFilter ??
      filterBuilder({
        random,
        buckets: shared.tokenBuckets,
        clusterBuckets: this.clusterCounts,
        cache: this.cache.services,
        places: shared.requestPlaces,
        monotonicMs: () => clock.monotonicMs(),
        wallMs,
        passwords: new PasswordCheck(clock),
        plugins: { clock, modules: this.#plugins, onFailure: pluginFailures(logger, observer) },
        onKeyUsed: options.onKeyUsed ?? (() => {}),
        logins: this.logins,
      });
    this.#ticketKeys = new TicketKeys(options.ticketKeys);
    this.clusterCounts.share(options.fellows ?? 1);
    this.#staples = new Staples(clock);
    this.keySets = new KeySets(options.refreshKeys ?? (() => Promise.resolve()));
    for (const known of options.keySets ?? []) this.keySets.learn(known);
    for (const known of options.staples ?? []) this.#staples.learn(known);
    this.#resolver = options.resolver ?? new NameResolver({ clock });
    const { counts, timeoutCounters, arrivalCounters, http2Counters } = this;
    const handler = createRequestHandler(this.#context);
    this.#ports = new Ports({
      handler,
      counts,
      timeoutCounters,
      arrivalCounters,
      http2Counters,
      wheel,
      logger,
    });
    const ownPorts = {
      has: (port: number) => this.#ports.has(port) || options.otherPorts?.().includes(port) === true,
    };
    const failures = new FailureReport(clock, options.onFailing ?? logFailures(logger));
    const { places = new EndpointPlaces(shared.endpoints, 1, undefined) } = options;
    const { poolCounters: counters } = this;
    this.#pools = {
      clock,
      wheel,
      ownPorts,
      counters,
      resolver: this.#resolver,
      failures,
      places,
      shared,
      affinityKeys,
      zone: options.zone,
      hasDescriptors: () => this.counts.hasRoom,
      random: options.random ?? processRandom,
      onBreaker: (service, to) => {
        logger.warn({ service, to }, `${service}: circuit breaker: ${to}`);
        observer.onBreaker(service, to);
      },
    };
  }

  get table(): Table | undefined {
    return this.#generations.live?.table;
  }

  /** Connections of clients that are taken; undefined before the first table. */
  get connectionsMax(): number | undefined {
    const { table } = this;
    return table && Math.min(table.gateway.connections.connectionsMax, this.counts.descriptorsMax);
  }

  get activeRequests(): number {
    return this.#context.shared.slices.own('activeRequests');
  }

  /** What lasts, and goes over swaps of tables. */
  get streams(): LiveStreams {
    return this.#context.streams;
  }

  get #isBusy(): boolean {
    return this.activeRequests > 0 || this.streams.counts.webSockets > 0;
  }

  get isDraining(): boolean {
    return this.#context.isDraining;
  }

  /** Old tables that still have exchanges. */
  get retiredTables(): number {
    return this.#generations.retiredCount;
  }

  /** The real port of a listener, undefined when it is not open. */
  listenerPort(name: string): number | undefined {
    for (const { key, listeners } of this.table?.sockets.values() ?? [])
      if (listeners.some(({ spec }) => spec.name === name)) return this.#ports.boundPort(key);
    return undefined;
  }

  /** Connections to the endpoints of each Service, and requests that wait for one. */
  get upstreamConnections(): { service: string; open: number; waiting: number }[] {
    return Array.from(sharedValues(this.table?.services), ({ name, load }) => ({ service: name, ...load }));
  }

  /** The circuit breakers of its Services, as all workers see them. */
  get breakers(): { service: string; state: BreakerState }[] {
    const breakers = [];
    for (const { name, gate } of sharedValues(this.table?.services))
      if (gate.state !== undefined) breakers.push({ service: name, state: gate.state });
    return breakers;
  }

  /** How long each Certificate of the table is valid, in seconds; negative when it is over. */
  get certificateExpiry(): { certificate: string; seconds: number }[] {
    const nowMs = this.#options.clock.wallMs();
    return Array.from(sharedValues(this.table?.certificates), ({ name, notAfterMs }) => ({
      certificate: name,
      seconds: (notAfterMs - nowMs) / 1000,
    }));
  }

  /** Session tickets of before are worth nothing from now on. */
  useTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys.replace(keys);
    if (this.table !== undefined) this.#useTicketKeys(this.table);
  }

  /** Handshakes show it from now on, on ports that do. */
  learnStaple(change: StapleChange): void {
    this.#staples.learn(change);
  }

  async apply(update: SnapshotUpdate): Promise<NodeProblem[]> {
    const prepared = await this.prepare(update);
    if (Array.isArray(prepared)) return prepared;
    prepared.commit();
    return [];
  }

  /** Builds aside all that `update` needs. Problems: nothing has changed. `takenPorts`: those of other workers, where they have opened them. */
  async prepare(
    update: SnapshotUpdate,
    { takenPorts }: { takenPorts?: BoundPorts | undefined } = {},
  ): Promise<PreparedUpdate | NodeProblem[]> {
    try {
      return await this.#prepare(update, takenPorts);
    } catch (error) {
      this.#options.logger.error({ err: error, revision: update.revision }, 'applying failed');
      return [create(NodeProblemSchema, { reason: 'internal', detail: messageOf(error) })];
    }
  }

  configDump(): object {
    const { table } = this;
    return table === undefined ? {} : configDump(table, (key) => this.#ports.boundPort(key));
  }

  /**
   * Goes on accepting for the delay, so that load balancers notice, and asks clients to connect anew; then closes the ports and waits for
   * exchanges, at most the Gateway's `drain`; cuts what is left. Without a delay nobody is asked before the ports are closed: whoever
   * connects anew is to find another worker.
   */
  async drain(drainDelayMs?: number): Promise<WorkerDrain> {
    const { clock, logger } = this.#options;
    const timeouts = this.table?.gateway.timeouts ?? drainDefaultsMs;
    const delayMs = drainDelayMs ?? timeouts.drainDelayMs;
    logger.info({ delayMs, drainMs: timeouts.drainMs }, 'draining');
    if (this.table !== undefined && delayMs > 0) {
      this.#context.isDraining = true;
      await clock.sleep(delayMs);
    }
    // Before ports leave, which is no reason of its own for their streams to end.
    this.#context.streams.drain(timeouts.drainMs);
    await this.#ports.drain();
    this.#context.isDraining = true;
    this.#context.shared.slices.set('openPorts', 0);
    const endMs = clock.monotonicMs() + timeouts.drainMs;
    while (this.#ports.connections > 0 && clock.monotonicMs() < endMs) await clock.sleep(drainCheckMs);
    const cut = this.#ports.connections;
    if (cut > 0) logger.warn({ connections: cut }, 'cutting connections');
    this.#context.streams.cut();
    this.#ports.destroy();
    // What was cut is over, and logged, when its sockets are closed.
    const cutEndMs = clock.monotonicMs() + cutMsMax;
    while (this.#isBusy && clock.monotonicMs() < cutEndMs) await clock.sleep(drainCheckMs);
    for (const service of sharedValues(this.table?.services)) service.close();
    this.clusterCounts.link?.close();
    this.#resolver.close();
    return { closed: this.streams.drained, cut };
  }

  async #prepare(
    update: SnapshotUpdate,
    takenPorts: BoundPorts | undefined,
  ): Promise<PreparedUpdate | NodeProblem[]> {
    const shared = {
      ticketKeys: this.#ticketKeys,
      staples: this.#staples,
      buildFilter: this.#buildFilter,
      consumerLimits: this.#consumerLimits,
      buildVerifier: (provider: CompiledAuthProvider) =>
        new TokenVerifier(readAuthProvider(provider), this.keySets, () => this.#options.clock.wallMs()),
    };
    const missing = await loadPlugins(this.#plugins, update.changed);
    if (missing.length > 0) return missing;
    const built = await sliceWork(buildTable(this.table, update, this.#pools, shared));
    if (!built.ok) return built.problems;
    await this.#resolveNames(built.arriving, update);
    const { table, leaving, arriving } = built;
    const { link: linkBefore } = this.clusterCounts;
    const link = await this.#linkTo(table);
    const outside = await this.#prepareOutside(table, takenPorts);
    const closeArriving = (): void => {
      arriving.forEach((service) => service.close());
      if (link !== linkBefore) link?.close();
    };
    if (Array.isArray(outside)) {
      closeArriving();
      return outside;
    }
    return {
      boundPorts: outside.boundPorts,
      timeouts: table.gateway.timeouts,
      // Nothing waits and nothing fails: requests meet the old table or the new one, never a mixture.
      commit: () => {
        for (const service of sharedValues(table.services))
          service.setEndpoints(update.endpoints.get(service.name));
        // They may have been changed while the table was made.
        this.#useTicketKeys(table);
        this.clusterCounts.use(link);
        this.#generations.publish(table, leaving);
        if (link !== linkBefore) linkBefore?.retire();
        this.cache.store.resize(Math.floor(table.gateway.cacheBytesMax / (this.#options.workers ?? 1)));
        outside.commit();
        this.#context.streams.sweep(table);
        this.#context.shared.slices.set('openPorts', this.#ports.openCount);
      },
      abort: () => {
        closeArriving();
        outside.abort();
      },
    };
  }

  /** To the Redis of the table: the one that there is, or one that has settled, so that no request is decided without it for a start. */
  async #linkTo({ redis }: Table): Promise<RedisLink | undefined> {
    const { link } = this.clusterCounts;
    if (redis === undefined || redis === link?.settings) return redis && link;
    const { clock, logger } = this.#options;
    const arriving = new RedisLink(redis, { clock, logger, counters: this.redisCounters });
    await this.#within(arriving.settled);
    return arriving;
  }

  async #within(awaited: Promise<unknown>): Promise<void> {
    const giveUp = new AbortController();
    const late = this.#options.clock.sleep(resolveMsMax, giveUp.signal).catch(() => {});
    await Promise.race([awaited, late]);
    giveUp.abort();
  }

  #useTicketKeys({ sockets }: Table): void {
    for (const { front } of sockets.values()) front.tls?.useTicketKeys(this.#ticketKeys.current);
  }

  /** What a table needs of the system: its ports and its log. Problems: nothing has changed. */
  async #prepareOutside(
    table: Table,
    takenPorts: BoundPorts | undefined,
  ): Promise<Omit<PreparedUpdate, 'timeouts'> | NodeProblem[]> {
    const { accessLog } = this.#options;
    const log = await prepareAccessLog(accessLog, table.gateway, this.table !== undefined);
    if (Array.isArray(log)) return log;
    const ports = await this.#ports.prepare(table, takenPorts);
    if (Array.isArray(ports)) {
      log?.abort();
      return ports;
    }
    return {
      boundPorts: ports.boundPorts,
      commit: () => {
        ports.commit();
        log?.commit();
      },
      abort: () => {
        ports.abort();
        log?.abort();
      },
    };
  }

  /** Requests meet a new Service when its names are known, so that none is refused for want of an address. */
  async #resolveNames(services: readonly ServiceHandle[], { endpoints }: SnapshotUpdate): Promise<void> {
    for (const service of services) service.setEndpoints(endpoints.get(service.name));
    await this.#within(Promise.all(services.map((service) => service.resolved())));
  }
}
