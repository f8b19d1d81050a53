/** A node as a process. */

import { availableParallelism } from 'node:os';
import { systemClock } from '@causeway/runtime/clock';
import { HealthChecks } from '@causeway/runtime/health-checks';
import { type Lifecycle, runProcess } from '@causeway/runtime/lifecycle';
import { formatListenAddress, isLoopback } from '@causeway/runtime/listen-address';
import { messageOf } from '@causeway/runtime/errors';
import { createLogger, type Logger } from '@causeway/runtime/logger';
import { createMetricsText } from '@causeway/runtime/metrics-text';
import { openFilesMax } from '@causeway/runtime/open-files-max';
import { settingsExitCode } from '@causeway/runtime/settings';
import { settingsOrExit } from '@causeway/runtime/settings-or-exit';
import { createStatusPages } from '@causeway/runtime/status-pages';

import { checkNodeId, type NodeState, openNodeState, nodeTokenReader } from './node-state.ts';
import { TicketKeyRotation } from './listen/tls/ticket-key-rotation.ts';
import { ConfigMetrics } from './observe/config-metrics.ts';
import { cachePurge } from './cache/purge-query.ts';
import { startStatusServer } from './observe/status-server.ts';
import { type DataPlaneSettings, dataPlaneSettings } from './settings.ts';
import { ConfigSync } from './sync/config-sync.ts';
import { type BreakerState, resetBreaker } from './upstream/circuit-breaker.ts';
import { trustSystemStore } from './upstream/tls-settings.ts';
import { streamQuery } from './streams/stream-query.ts';
import { version } from './version.ts';
import { keepObjectsYoung } from './worker/keep-objects-young.ts';
import { warnOfLostConnections } from './worker/kernel-settings.ts';
import { WorkerPool } from './worker/worker-pool.ts';

/** Pace at which the limit of open files is looked at. */
const descriptorsLookMs = 1000;

/** A drain takes as long as the Gateway says; this only keeps a process that hangs from hanging for ever. */
const stopDeadlineMs = 3_600_000;

/** Runs a node until it is stopped; exits 78 on bad settings, otherwise as `runProcess` says. */
export async function runDataPlane(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  keepObjectsYoung();
  const settings = settingsOrExit({
    command: 'causeway data-plane',
    summary: 'Runs one node: proxies traffic as the control plane says.',
    declarations: dataPlaneSettings,
    argv,
    env,
  });
  const wrongId = settings.nodeId === undefined ? undefined : checkNodeId(settings.nodeId);
  if (wrongId !== undefined) {
    process.stderr.write(`causeway data-plane: --node-id: "${settings.nodeId}" ${wrongId}.\n`);
    process.exit(settingsExitCode);
  }
  const logger = createLogger({ level: settings.logLevel });
  runProcess({ logger, stopDeadlineMs }, (lifecycle) => startNode(settings, lifecycle, logger));
}

/** Steps stop in reverse: traffic drains while the control plane and the status listener can still see it. */
async function startNode(settings: DataPlaneSettings, lifecycle: Lifecycle, logger: Logger): Promise<void> {
  if (trustSystemStore() === 0)
    logger.warn(
      'this system has no trusted certificates; upstreams are verified by those that come with Node',
    );
  warnOfLostConnections(logger);
  const state = await lifecycle.start(
    'state',
    () => openNodeState(settings.dataDir, settings.nodeId),
    ({ lock }) => lock.release(),
  );
  const parts = createParts(settings, state, logger);
  const { pool } = parts;
  // Log rotation moves the file away and then says so.
  process.on('SIGHUP', () => void pool.reopenLog());
  // What they cannot give back, such as memory, ends with them.
  process.on('SIGUSR2', () => {
    try {
      replaceWorkers(parts, logger);
    } catch (error) {
      logger.warn(`SIGUSR2: ${messageOf(error)}`);
    }
  });
  await lifecycle.start('workers', () => pool.start());
  await lifecycle.start(
    'descriptors',
    () => watchDescriptors(pool),
    (stop) => stop(),
  );
  await lifecycle.start(
    'session tickets',
    () => parts.tickets.start(),
    () => parts.tickets.stop(),
  );
  await startStatus(settings, lifecycle, logger, parts);
  const sync = await lifecycle.start(
    'config stream',
    () => startSync({ settings, state, lifecycle, logger, parts }),
    (running) => running.stop(),
  );
  await lifecycle.start(
    'traffic',
    () => pool,
    async () => {
      const drained = pool.drain(settings.drainDelay);
      sync.statusChanged();
      await drained;
      sync.statusChanged();
    },
  );
}

/** What lives from the first step on, before the stream. */
interface Parts {
  readonly pool: WorkerPool;
  readonly configMetrics: ConfigMetrics;
  readonly tickets: TicketKeyRotation;
  readonly own: { statusPort: number; sync: ConfigSync | undefined };
}

function createParts(settings: DataPlaneSettings, state: NodeState, logger: Logger): Parts {
  const own: Parts['own'] = { statusPort: 0, sync: undefined };
  const configMetrics: ConfigMetrics = new ConfigMetrics(() => {
    const { sync } = own;
    const staleMs = sync?.staleMs;
    return {
      appliedRevision: sync?.appliedRevision ?? 0,
      desiredRevision: sync?.desiredRevision ?? 0,
      rejectedTotal: sync?.rejectedTotal ?? 0,
      stalenessSeconds: staleMs === undefined ? undefined : staleMs / 1000,
      workers: pool.workers,
      stapleExpiry: pool.stapleExpiry,
    };
  });
  const pool: WorkerPool = new WorkerPool({
    workers: settings.workers ?? availableParallelism(),
    blockedMs: settings.workerTimeout,
    nodeId: state.nodeId,
    zone: settings.labels['zone'],
    pluginDir: settings.pluginDir,
    keptKeysPath: state.keptKeysPath,
    logLevel: settings.logLevel,
    logger: logger.child({ node: state.nodeId }),
    clock: systemClock,
    onApplied: (tookMs) => configMetrics.onApplied(tookMs),
    onReplaced: (reason) => configMetrics.onWorkerReplaced(reason),
    // A control plane on this machine is no upstream either.
    otherPorts: () =>
      isLoopback(settings.controlPlane.host)
        ? [own.statusPort, settings.controlPlane.port, ...(own.sync?.controlPlanePorts ?? [])]
        : [own.statusPort],
  });
  const tickets = new TicketKeyRotation({
    clock: systemClock,
    logger,
    use: (keys) => pool.news.useTicketKeys(keys),
  });
  return { pool, configMetrics, tickets, own };
}

/** Begins to replace all workers, and gives how many they are. Throws when it cannot begin. */
function replaceWorkers({ pool, own }: Parts, logger: Logger): number {
  const replaced = pool.restart();
  own.sync?.statusChanged();
  replaced.catch((error: unknown) => logger.error(`the workers are not all replaced: ${messageOf(error)}`));
  return pool.toReplace;
}

/** An operator may raise the limit of a process that runs. Gives what ends the watch. */
function watchDescriptors(pool: WorkerPool): () => void {
  const look = (): void => pool.limitDescriptors(openFilesMax());
  look();
  const timer = setInterval(look, descriptorsLookMs);
  return () => clearInterval(timer);
}

async function startStatus(
  settings: DataPlaneSettings,
  lifecycle: Lifecycle,
  logger: Logger,
  { pool, configMetrics, own }: Parts,
): Promise<void> {
  const readiness = new HealthChecks();
  pool.addChecks(readiness);
  const pages = createStatusPages({
    version,
    readiness,
    metrics: createMetricsText(async () => [
      ...configMetrics.registry.collect(),
      ...pool.health.metrics.registry.collect(),
      ...(await pool.collectMetrics()),
    ]),
  });
  const server = await lifecycle.start(
    'status listener',
    () => startStatusServer({ address: settings.statusAddress, pages, logger }),
    (running) => running.close(),
  );
  own.statusPort = server.port;
}

interface SyncParts {
  readonly settings: DataPlaneSettings;
  readonly state: NodeState;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly parts: Parts;
}

async function startSync(options: SyncParts): Promise<ConfigSync> {
  const { settings, state, lifecycle, logger, parts } = options;
  const { pool, tickets, own } = parts;
  const { gateway, labels } = settings;
  const sync = new ConfigSync({
    address: formatListenAddress(settings.controlPlane),
    credential: nodeTokenReader(settings, logger),
    identity: { nodeId: state.nodeId, gateway, labels, version, workers: pool.wanted },
    target: pool,
    lastGoodPath: state.lastGoodPath,
    logger,
    clock: systemClock,
    status: () => ({
      connections: pool.connections,
      activeRequests: pool.activeRequests,
      draining: pool.isDraining,
      workersToReplace: pool.toReplace,
      streams: pool.streams,
      drain: pool.drainProgress,
      keyUses: pool.news.keyUses.take(),
    }),
    health: pool.health.report,
    commands: {
      'config-dump': () => pool.configDump(),
      connections: (args) => pool.listStreams(streamQuery(args)),
      'service-load': async (args) => pool.health.load(serviceOf(args)),
      'purge-cache': async (args) => ({ purged: await pool.purgeCache(cachePurge(args)) }),
      'reset-breaker': async (args) => ({ before: resetServiceBreaker(pool, serviceOf(args), logger) }),
      'restart-workers': async () => ({ workers: replaceWorkers(parts, logger) }),
    },
    onDrain: () => lifecycle.stop('the control plane asks this node to drain'),
    onAffinityKeys: ({ current, previous }) =>
      pool.news.useAffinityKeys({
        current: Uint8Array.from(current),
        previous: previous.byteLength === 0 ? undefined : Uint8Array.from(previous),
      }),
    onFellows: ({ nodes }) => pool.news.useFellows(nodes),
    onLoginKeys: ({ current, previous }) =>
      pool.news.useLoginKeys({
        current: Uint8Array.from(current),
        previous: previous.byteLength === 0 ? undefined : Uint8Array.from(previous),
      }),
    onTicketKeys: ({ keys, replacedInMs }) => tickets.learn(keys, replacedInMs),
  });
  own.sync = sync;
  await sync.start();
  return sync;
}

/** Gives the state of before. */
function resetServiceBreaker(pool: WorkerPool, service: string, logger: Logger): BreakerState {
  const before = resetBreaker(pool.health.record(service));
  logger.info({ service, before }, `${service}: circuit breaker: closed by a command`);
  return before;
}

function serviceOf(args: unknown): string {
  const service = typeof args === 'object' && args !== null && 'service' in args ? args.service : undefined;
  if (typeof service !== 'string') throw new Error('the command needs {"service": "namespace/name"}');
  return service;
}
