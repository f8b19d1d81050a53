/** A worker thread: the whole request path on one core. Started by the supervisor, and asked by it alone. */

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { assert } from '@causeway/runtime/assert';
import { awakeClock } from '@causeway/runtime/awake-clock';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { sliceWork } from '@causeway/runtime/work-slices';

import { type PreparedUpdate, ProxyNode } from '../node.ts';
import { AccessLog } from '../observe/access-log.ts';
import { EventLoopDelay } from '../observe/event-loop-delay.ts';
import { TrafficMetrics } from '../observe/traffic-metrics.ts';
import { NodeShared } from '../counts/node-shared.ts';
import { containPlugins } from '../plugins/contain-plugins.ts';
import { pluginFailures } from '../plugins/plugin-failures.ts';
import { PluginModules } from '../plugins/plugin-modules.ts';
import { EndpointPlaces } from '../upstream/endpoint-places.ts';
import { trustSystemStore } from '../upstream/tls-settings.ts';
import { mergeMetrics } from './merge-metrics.ts';
import { type CallPort, PortCalls } from './port-calls.ts';
import { BatchMemory, RemoteOutput } from './remote-output.ts';
import { RemoteResolver } from './remote-resolver.ts';
import { type Applied, nothingApplied, readWireUpdate } from './wire-update.ts';
import type {
  PrepareRequest,
  SupervisorAsks,
  SupervisorTells,
  WorkerAsks,
  WorkerSetup,
  WorkerTells,
} from './worker-setup.ts';

/** Pace of the sign that the event loop turns. */
const tickMs = 200;

assert(!isMainThread && parentPort !== null, 'a worker is a thread of its own');
run(workerData as WorkerSetup, parentPort);

function run(setup: WorkerSetup, port: CallPort): void {
  trustSystemStore();
  const logger = createLogger({ level: setup.logLevel }).child({ node: setup.nodeId, worker: setup.worker });
  const shared = new NodeShared(setup.shared, setup.worker);
  const clock = awakeClock(systemClock);
  const eventLoop = new EventLoopDelay();
  const supervisor: SupervisorTells & SupervisorAsks = {
    watch: (name) => calls.tell('watch', name),
    unwatch: (name) => calls.tell('unwatch', name),
    wantPlace: (want) => calls.tell('wantPlace', want),
    freedPlace: (endpoint) => calls.tell('freedPlace', endpoint),
    lostLines: (lost) => calls.tell('lostLines', lost),
    failing: (told) => calls.tell('failing', told),
    openLog: (path) => calls.ask('openLog', path),
    writeLog: (batch) => calls.ask('writeLog', batch),
    releaseLog: (path) => calls.tell('releaseLog', path),
    refreshKeys: (source) => calls.ask('refreshKeys', source),
    cacheChanged: (place) => calls.tell('cacheChanged', place),
    askProvider: (question) => calls.ask('askProvider', question),
    keyUsed: (use) => calls.tell('keyUsed', use),
    endLogin: (ended) => calls.tell('endLogin', ended),
  };
  const batchMemory = new BatchMemory(setup.logBatch);
  const accessLog = new AccessLog({
    clock,
    logger,
    writers: setup.workers,
    outputTo: (path) => new RemoteOutput(supervisor, batchMemory, path),
    onLost: (lines, error) => supervisor.lostLines({ lines, why: error?.message }),
  });
  const places = new EndpointPlaces(shared.endpoints, setup.workers, supervisor);
  const resolver = new RemoteResolver(supervisor);
  const metrics: TrafficMetrics = new TrafficMetrics(accessLog, () => ({
    connections: shared.slices.own('connections'),
    connectionsMax: node.connectionsMax,
    refusedConnections: node.counts.refused,
    retiredTables: node.retiredTables,
    clientTimeouts: node.timeoutCounters,
    arrivals: node.arrivalCounters,
    http2: node.http2Counters,
    certificateExpiry: node.certificateExpiry,
    pools: node.poolCounters,
    upstreamConnections: node.upstreamConnections,
    breakers: node.breakers,
    cache: node.cache.store.counts,
    streams: { counts: node.streams.counts, byRevision: node.streams.byRevision() },
    eventLoop: eventLoop.take(),
  }));
  const plugins = new PluginModules(setup.pluginDir);
  const onPluginFailure = pluginFailures(logger, metrics);
  if (setup.pluginDir !== undefined)
    containPlugins(plugins, (plugin, error) => onPluginFailure(plugin, 'none', 'error', error as Error));
  let otherPorts: readonly number[] = [];
  const node = new ProxyNode({
    logger,
    clock,
    observer: metrics,
    accessLog,
    resolver,
    shared,
    places,
    onFailing: (failure, failures) => supervisor.failing({ failure, failures }),
    otherPorts: () => otherPorts,
    ticketKeys: setup.ticketKeys,
    affinityKeys: setup.affinityKeys,
    fellows: setup.fellows,
    zone: setup.zone,
    plugins,
    staples: setup.staples,
    keySets: setup.keySets,
    refreshKeys: (source) => supervisor.refreshKeys(source),
    workers: setup.workers,
    onCacheChanged: (place) => supervisor.cacheChanged(place),
    onKeyUsed: (hash, usedMs) => supervisor.keyUsed({ hash: Buffer.from(hash).toString('base64'), usedMs }),
    logins: {
      keys: setup.loginKeys,
      ended: setup.endedLogins,
      ask: (question) => supervisor.askProvider(question),
      onLogout: (ended) => supervisor.endLogin(ended),
    },
  });
  let applied: Applied = nothingApplied;
  let prepared:
    | (Pick<PrepareRequest, 'tokenBuckets'> & { update: PreparedUpdate; makes: Applied })
    | undefined;
  const asks: WorkerAsks = {
    async prepare(request) {
      otherPorts = request.otherPorts;
      const update = await sliceWork(readWireUpdate(applied, request.wire));
      const result = await node.prepare(update, { takenPorts: request.takenPorts });
      if (Array.isArray(result)) return { problems: result, boundPorts: {}, drainMsMax: 0, drainDelayMs: 0 };
      prepared = { update: result, makes: update, tokenBuckets: request.tokenBuckets };
      const { boundPorts, timeouts } = result;
      const { drainDelayMs, drainMs } = timeouts;
      return { problems: [], boundPorts, drainMsMax: drainDelayMs + drainMs, drainDelayMs };
    },
    commit() {
      assert(prepared !== undefined, 'an update is prepared before it is committed');
      if (prepared.tokenBuckets !== undefined) shared.tokenBuckets.use(prepared.tokenBuckets);
      prepared.update.commit();
      applied = prepared.makes;
      prepared = undefined;
    },
    abort() {
      prepared?.update.abort();
      prepared = undefined;
    },
    async drain(drainDelayMs) {
      const drained = await node.drain(drainDelayMs);
      await accessLog.close();
      return drained;
    },
    // Plain copies: cells stay here.
    metrics: () => mergeMetrics([metrics.registry.collect(), node.redisCounters.registry.collect()]),
    configDump: () => node.configDump(),
    purgeCache: (wanted) => node.cache.purge(wanted),
    listStreams: (query) => node.streams.list(query, setup.worker),
  };
  const tells: WorkerTells = {
    addresses: (found) => resolver.learn(found),
    placeWanted: (want) => places.onWanted(want),
    placeFreed: (endpoint) => places.onFreed(endpoint),
    ticketKeys: (keys) => node.useTicketKeys(keys),
    affinityKeys: (keys) => node.affinityKeys.replace(keys),
    fellows: (nodes) => node.clusterCounts.share(nodes),
    loginKeys: (keys) => node.logins.keys.replace(keys),
    loginEnded: (ended) => node.logins.ended.add(ended),
    staple: (change) => node.learnStaple(change),
    cacheChanged: (place) => node.cache.store.invalidate(place),
    keySet: (change) => node.keySets.learn(change),
    descriptors: (openFilesMax) => node.counts.limitDescriptors(openFilesMax),
  };
  const calls = new PortCalls(port, { ...asks, ...tells });
  setInterval(() => {
    shared.slices.add('ticks', 1);
    clock.monotonicMs();
  }, tickMs);
}
