/** The workers of a node: configured together, watched, and replaced when one ends. */

import { create } from '@bufbuild/protobuf';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { HealthChecks } from '@causeway/runtime/health-checks';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger, LogLevel } from '@causeway/runtime/logger';
import type { MetricFamily } from '@causeway/runtime/metrics';
import { NameResolver } from '@causeway/runtime/name-resolver';

import { HealthKeeper } from '../health/health-keeper.ts';
import { ConnectionCounts } from '../listen/connection-counts.ts';
import { DropReport } from '../observe/drop-report.ts';
import { batchBytesMax } from '../observe/log-writer.ts';
import { LogOutputs } from '../observe/log-outputs.ts';
import { createNodeShared, keyedTables, NodeShared, type NodeSharedMemory } from '../counts/node-shared.ts';
import type { TokenBucketsMemory } from '../counts/token-buckets.ts';
import type { KeyedTable } from '../counts/keyed-table.ts';
import { WorkerSlices } from '../counts/worker-slices.ts';
import { PluginTrials } from '../plugins/plugin-trials.ts';
import type { DrainProgress } from '../sync/node-status.ts';
import type { SnapshotTarget, SnapshotUpdate } from '../sync/snapshot-target.ts';
import { type StreamCounts, streamCounts } from '../streams/live-stream.ts';
import type { StreamList } from '../streams/live-streams.ts';
import type { StreamQuery } from '../streams/stream-query.ts';
import type { CachePurge } from '../cache/purge-query.ts';
import type { OwnPorts } from '../upstream/address-guard.ts';
import { FailureReport, logFailures } from '../upstream/failure-report.ts';
import { bucketsFor } from './buckets-for.ts';
import { listStreams } from './list-streams.ts';
import { NameRelay } from './name-relay.ts';
import { purgeCaches, spreadChange } from './purge-caches.ts';
import { PlaceRelay } from './place-relay.ts';
import { drainProgress, type WorkerDrain } from './drain-report.ts';
import { TurnWatch } from './turn-watch.ts';
import { type Applied, nothingApplied } from './wire-update.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import type { PrepareAnswer } from './worker-setup.ts';
import { WorkerNews } from './worker-news.ts';
import { type WorkerEnd, WorkerThread } from './worker-thread.ts';

export interface WorkerPoolOptions {
  /** How many there are to be. */
  readonly workers: number;
  /** A worker whose event loop does not turn for so long is replaced; 0 = off. */
  readonly blockedMs: number;
  /** Of each, in MiB; default: the runtime's. */
  readonly heapMbMax?: number;
  readonly nodeId: string;
  /** Where the node stands: its label `zone`. */
  readonly zone?: string | undefined;
  /** Of the modules of plugins; absent = there are none. */
  readonly pluginDir?: string | undefined;
  readonly logLevel: LogLevel;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly otherPorts: () => readonly number[];
  /** File for the keys of issuers of tokens; absent = they are not kept. */
  readonly keptKeysPath?: string | undefined;
  readonly onApplied: (tookMs: number) => void;
  readonly onReplaced: (reason: WorkerEnd['reason']) => void;
}

/** Pace of replacing workers that end: at once, and then slower as long as they go on ending. */
const replaceBaseMs = 100;
const replaceMaxMs = 5000;
/** Workers that may end while they take an update, before it is refused. */
const applyAttemptsMax = 3;
/** A worker that lived so long was a good one. */
const stableMs = 10_000;
/** Pace at which workers are looked at. */
const watchMs = 500;
/** All of a table would take some milliseconds at a time. */
const sweepParts = 16;
/** A worker that drains may be so much later than its Gateway says. */
const drainSlackMs = 2000;
/** It may take so long to begin, however soon a blocked one is replaced. */
const startMsMax = 10_000;

export class WorkerPool implements SnapshotTarget {
  /** Of endpoints, for all workers. */
  readonly health: HealthKeeper;
  /** What all workers are told. */
  readonly news: WorkerNews;
  /** Undefined before it is to drain. */
  drainProgress: DrainProgress | undefined;
  readonly #slices: WorkerSlices;
  /** As the workers count; nobody enters here. */
  readonly #counts: ConnectionCounts;
  readonly #options: WorkerPoolOptions;
  #memory: NodeSharedMemory;
  readonly #tables: readonly KeyedTable[];
  readonly #resolver: NameResolver;
  readonly #threads = new Set<WorkerThread>();
  readonly #names: NameRelay;
  readonly #metrics: WorkerMetrics;
  readonly #places = new PlaceRelay(this.#threads);
  readonly #turns: TurnWatch;
  readonly #backoff: Backoff;
  readonly #outputs: LogOutputs;
  readonly #drops: DropReport;
  readonly #failures: FailureReport;
  readonly #trials: PluginTrials;
  #applied: Applied = nothingApplied;
  /** One thing after the other: an update and a new worker must not overtake each other. */
  #work: Promise<unknown> = Promise.resolve();
  /** By the update that is applied. */
  #terms: Omit<PrepareAnswer, 'problems'> = { boundPorts: {}, drainMsMax: 0, drainDelayMs: 0 };
  #isStopping = false;
  #toReplace = 0;
  #cancelWatch: CancelTimer = () => {};

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    // A worker and the one that takes its place live side by side for a while.
    this.#memory = createNodeShared(2 * options.workers);
    this.#tables = keyedTables(this.#memory);
    const shared = new NodeShared(this.#memory, this.#memory.workers);
    this.#slices = shared.slices;
    this.#counts = new ConnectionCounts(shared);
    this.#metrics = new WorkerMetrics(this.#threads, options.clock);
    this.#resolver = new NameResolver({ clock: options.clock });
    this.#names = new NameRelay(this.#resolver);
    this.#turns = new TurnWatch(({ slot }) => new WorkerSlices(this.#memory.slices, slot).own('ticks'));
    this.#backoff = createBackoff({ baseMs: replaceBaseMs, maxMs: replaceMaxMs });
    this.#outputs = new LogOutputs(options.clock);
    this.#drops = new DropReport(options.clock, options.logger);
    this.#failures = new FailureReport(options.clock, logFailures(options.logger));
    this.#trials = new PluginTrials(options.pluginDir, options.blockedMs);
    const { clock, logger } = options;
    const ownPorts: OwnPorts = { has: (port) => this.#hasOwnPort(port) };
    const { keptKeysPath } = options;
    this.news = new WorkerNews(this.#threads, {
      clock,
      logger,
      resolver: this.#resolver,
      ownPorts,
      keptKeysPath,
    });
    this.health = new HealthKeeper({
      clock,
      logger,
      shared,
      resolver: this.#resolver,
      ownPorts,
    });
  }

  /** Those that have a table. */
  get workers(): number {
    return this.#staying.filter(({ isServing }) => isServing).length;
  }

  /** How many there are to be. */
  get wanted(): number {
    return this.#options.workers;
  }

  /** Workers that wait for their replacement. */
  get toReplace(): number {
    return this.#toReplace;
  }

  get connections(): number {
    return this.#counts.open;
  }

  get activeRequests(): number {
    return this.#slices.sum('activeRequests');
  }

  /** For how many seconds each Certificate that is to have an OCSP staple has one; 0 = it has none. */
  get stapleExpiry(): { certificate: string; seconds: number }[] {
    return this.news.stapleExpiry;
  }

  /** Streams that are open. */
  get streams(): StreamCounts {
    return streamCounts((kind) => this.#slices.sum(kind));
  }

  get isDraining(): boolean {
    return this.#isStopping;
  }

  /** Adds what decides whether this node is to get traffic. */
  addChecks(readiness: HealthChecks): void {
    readiness.set('table', () => (this.#applied === nothingApplied ? 'no configuration yet' : undefined));
    readiness.set('ports', () => (this.#slices.sum('openPorts') === 0 ? 'no port is open' : undefined));
    readiness.set('descriptors', () =>
      this.#counts.hasRoom ? undefined : 'no file descriptors for more connections: raise ulimit -n',
    );
    readiness.set('drain', () => (this.isDraining ? 'draining' : undefined));
  }

  start(): void {
    for (let count = 0; count < this.#options.workers; count += 1) this.#spawn();
    this.#watch();
  }

  apply(update: SnapshotUpdate): Promise<NodeProblem[]> {
    return this.#inTurn(() => this.#apply(update));
  }

  /**
   * Replaces the workers one by one: each by another that serves before it stops accepting, and ends when nothing is under way on it.
   * Rejects when a new one cannot take over; those before it are replaced, the others go on. Throws when it cannot begin.
   */
  restart(): Promise<void> {
    if (this.#isStopping) throw new Error('this node is draining');
    if (this.#toReplace > 0)
      throw new Error(`${this.#toReplace} of the workers are still being replaced; wait for them`);
    const before = this.#staying;
    if (before.length === 0) throw new Error('no worker is there; one is on its way');
    this.#toReplace = before.length;
    return this.#replaceAll(before);
  }

  /** Ends all workers as `ProxyNode.drain` does. */
  async drain(drainDelayMs: number | undefined): Promise<void> {
    this.#isStopping = true;
    await this.#work;
    const begun = {
      delayMs: drainDelayMs ?? this.#terms.drainDelayMs,
      connections: this.connections,
      webSockets: this.streams.webSockets,
    };
    this.drainProgress = drainProgress(begun, undefined);
    const drained = await Promise.all(
      Array.from(this.#threads, (thread) => this.#retire(thread, drainDelayMs)),
    );
    this.drainProgress = drainProgress(begun, drained);
    this.#cancelWatch();
    this.#drops.close();
    this.news.stop();
    this.health.stop();
    this.#resolver.close();
  }

  /** Of all workers, those that have ended included. */
  collectMetrics(): Promise<MetricFamily[]> {
    return this.#metrics.collect();
  }

  /** Of all workers, the oldest first. */
  listStreams(query: StreamQuery): Promise<StreamList> {
    return listStreams(this.#threads, query);
  }

  /** Takes answers out of the caches of all workers, and gives how many. */
  purgeCache(wanted: CachePurge): Promise<number> {
    return purgeCaches(this.#threads, wanted);
  }

  async configDump(): Promise<object> {
    const [first] = this.#threads;
    return first === undefined ? {} : first.configDump();
  }

  /** After log files were moved away: goes on in new ones of the old names. */
  async reopenLog(): Promise<void> {
    const { logger } = this.#options;
    try {
      for (const file of await this.#outputs.reopen()) logger.info({ file }, 'access log reopened');
    } catch (error) {
      logger.error(`the access log goes on in the old file: ${messageOf(error)}`);
    }
  }

  limitDescriptors(openFilesMax: number | undefined): void {
    this.#counts.limitDescriptors(openFilesMax);
    this.news.limitDescriptors(openFilesMax);
  }

  async #apply(update: SnapshotUpdate): Promise<NodeProblem[]> {
    const { clock, onApplied } = this.#options;
    const beganMs = clock.monotonicMs();
    const to: Applied = { revision: update.revision, items: update.items, endpoints: update.endpoints };
    const failed = await this.#trials.run(update.changed);
    if (failed.length > 0) return failed;
    await this.news.prepare(update);
    const tokenBuckets = bucketsFor(update, this.#memory.tokenBuckets);
    const problems = await this.#prepareOnLiving(to, tokenBuckets);
    if (problems.length > 0) return problems;
    this.#applied = to;
    if (tokenBuckets !== undefined) this.#memory = { ...this.#memory, tokenBuckets };
    // Whoever ends now is replaced by one that has it.
    await Promise.allSettled(Array.from(this.#threads, (thread) => thread.commit()));
    this.news.follow(update);
    this.health.follow(update);
    onApplied(clock.monotonicMs() - beganMs);
    return [];
  }

  /** The end of a worker is no judgement on an update, unless each one that tries ends. */
  async #prepareOnLiving(to: Applied, tokenBuckets: TokenBucketsMemory | undefined): Promise<NodeProblem[]> {
    const { logger } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (this.#staying.length === 0) await this.#takeOver(this.#spawn());
        return await this.#prepareAll(to, tokenBuckets);
      } catch (error) {
        logger.error({ err: error, revision: to.revision, attempt }, 'applying failed');
        if (attempt < applyAttemptsMax) continue;
        return [create(NodeProblemSchema, { reason: 'internal', detail: messageOf(error) })];
      }
    }
  }

  /** The first opens the ports, for nobody else may have them; the others join it. */
  async #prepareAll(to: Applied, tokenBuckets: TokenBucketsMemory | undefined): Promise<NodeProblem[]> {
    const leaving = Array.from(this.#threads).filter(({ isLeaving }) => isLeaving);
    // Those that leave have no ports any more.
    const [first, ...others] = [...this.#staying, ...leaving];
    if (first === undefined) throw new Error('no worker is there; one is on its way');
    const otherPorts = this.#options.otherPorts();
    const answer = await first.prepare(to, { takenPorts: undefined, otherPorts, tokenBuckets });
    const { problems, boundPorts } = answer;
    if (problems.length > 0) return [...problems];
    const request = { takenPorts: boundPorts, otherPorts, tokenBuckets };
    const results = await Promise.allSettled(others.map((thread) => thread.prepare(to, request)));
    // One that ended meanwhile stands in nobody's way.
    const refused = results.flatMap((result) => (result.status === 'fulfilled' ? result.value.problems : []));
    if (refused.length === 0) this.#terms = answer;
    if (refused.length > 0) await Promise.allSettled([first, ...others].map((thread) => thread.abort()));
    return refused;
  }

  async #replaceAll(before: readonly WorkerThread[]): Promise<void> {
    const { logger } = this.#options;
    logger.info({ workers: before.length }, 'replacing the workers');
    try {
      for (const thread of before) {
        if (this.#isStopping) return;
        // Whoever has ended by himself has been replaced.
        if (this.#threads.has(thread)) {
          await this.#inTurn(() => this.#takeOver(this.#spawn()));
          await this.#retire(thread, 0);
        }
        this.#toReplace -= 1;
      }
      logger.info({ workers: this.workers }, 'the workers are replaced');
    } finally {
      this.#toReplace = 0;
    }
  }

  /** Ends a worker when nothing is under way on it any more; what it counted stays. */
  async #retire(thread: WorkerThread, drainDelayMs: number | undefined): Promise<WorkerDrain> {
    thread.isLeaving = true;
    const giveUp = new AbortController();
    const longestMs = (drainDelayMs ?? 0) + this.#terms.drainMsMax + drainSlackMs;
    const late = this.#options.clock.sleep(longestMs, giveUp.signal).catch(() => {});
    // One that is blocked never says that it is done.
    const drained = await Promise.race([thread.drain(drainDelayMs).catch(() => undefined), late]);
    giveUp.abort();
    await this.#metrics.take(thread);
    await thread.terminate({ reason: 'stopped', detail: 'drained' });
    return drained ?? { closed: 0, cut: 0 };
  }

  get #staying(): WorkerThread[] {
    return Array.from(this.#threads).filter(({ isLeaving }) => !isLeaving);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#work.then(task);
    this.#work = result.catch(() => {});
    return result;
  }

  #spawn(): WorkerThread {
    const { nodeId, logLevel } = this.#options;
    const slot = this.#freeSlot();
    const logBatch = new SharedArrayBuffer(batchBytesMax);
    const thread: WorkerThread = new WorkerThread(
      {
        worker: slot,
        workers: this.#options.workers,
        nodeId,
        logLevel,
        shared: this.#memory,
        logBatch,
        zone: this.#options.zone,
        pluginDir: this.#options.pluginDir,
        ...this.news.forStart,
      },
      {
        watch: (name) => this.#names.watch(thread, name),
        unwatch: (name) => this.#names.unwatch(thread, name),
        wantPlace: (want) => this.#places.want(thread, want),
        freedPlace: (endpoint) => this.#places.freed(endpoint),
        openLog: (path) => this.#outputs.open(thread, path),
        writeLog: ({ path, bytes }) =>
          this.#outputs.write(path, typeof bytes === 'number' ? new Uint8Array(logBatch, 0, bytes) : bytes),
        releaseLog: (path) => this.#outputs.release(thread, path),
        refreshKeys: (source) => this.news.refreshKeys(source),
        cacheChanged: (place) => spreadChange(this.#threads, thread, place),
        askProvider: (question) => this.news.askProvider(question),
        keyUsed: (use) => this.news.keyUses.add(use),
        endLogin: (ended) => this.news.endLogin(ended),
        lostLines: ({ lines, why }) => this.#drops.add(lines, why),
        failing: ({ failure, failures }) => this.#failures.note(failure, failures),
      },
      this.#options.heapMbMax,
    );
    this.#threads.add(thread);
    void this.#outputs.open(thread, undefined);
    this.news.welcome(thread);
    const bornMs = this.#options.clock.monotonicMs();
    void thread.ended.then((end) => this.#onEnded(thread, end, bornMs));
    return thread;
  }

  /** Nothing that this process asks may lead back to it. */
  #hasOwnPort(port: number): boolean {
    return Object.values(this.#terms.boundPorts).includes(port) || this.#options.otherPorts().includes(port);
  }

  #freeSlot(): number {
    const taken = new Set(Array.from(this.#threads, ({ slot }) => slot));
    for (let slot = 0; slot < this.#memory.workers; slot += 1) if (!taken.has(slot)) return slot;
    throw new Error('every slot of the shared memory is taken');
  }

  #onEnded(thread: WorkerThread, end: WorkerEnd, bornMs: number): void {
    const { clock, logger, onReplaced } = this.#options;
    this.#threads.delete(thread);
    this.#turns.forget(thread);
    this.#outputs.releaseAll(thread);
    this.#names.forget(thread);
    new WorkerSlices(this.#memory.slices, thread.slot).clear();
    for (const table of this.#tables) table.forget(thread.slot);
    this.#places.forget(thread);
    this.#metrics.onEnded(thread);
    if (end.reason === 'stopped') return;
    onReplaced(end.reason);
    if (clock.monotonicMs() - bornMs > stableMs) this.#backoff.reset();
    const waitMs = this.#backoff.nextMs();
    logger.error(
      { worker: thread.slot, reason: end.reason, retryMs: Math.round(waitMs), err: end.error },
      `a worker has ended and is replaced: ${end.detail}`,
    );
    clock.after(waitMs, () => void this.#inTurn(() => this.#replace()));
  }

  /** A new worker, with all that the others have. */
  async #replace(): Promise<void> {
    if (this.#isStopping || this.#staying.length >= this.#options.workers) return;
    await this.#takeOver(this.#spawn()).catch(() => {});
  }

  /** Gives it all that the others have; ends it when it cannot take that. */
  async #takeOver(thread: WorkerThread): Promise<void> {
    if (this.#applied === nothingApplied) return;
    try {
      const otherPorts = this.#options.otherPorts();
      const { problems } = await thread.prepare(this.#applied, {
        takenPorts: this.#terms.boundPorts,
        otherPorts,
        // It has begun with them.
        tokenBuckets: undefined,
      });
      if (problems.length === 0) return await thread.commit();
      throw new Error(problems.map(({ detail }) => detail).join('; '));
    } catch (error) {
      const detail = `it could not take over: ${messageOf(error)}`;
      await thread.terminate({ reason: 'error', detail });
      throw new Error(detail, { cause: error });
    }
  }

  /** Frees what nobody counts on, and finds workers that do not turn. */
  #watch(): void {
    this.#cancelWatch = this.#options.clock.after(watchMs, () => {
      const isQuiet = this.#lookAtTurns();
      if (isQuiet) for (const table of this.#tables) table.sweep(sweepParts);
      this.#metrics.keep();
      this.#watch();
    });
  }

  /** Whether every worker has come by since the last look. */
  #lookAtTurns(): boolean {
    const { blockedMs } = this.#options;
    let haveAll = true;
    for (const thread of this.#threads) {
      const looks = this.#turns.look(thread);
      haveAll &&= looks === 0;
      const isStarting = !this.#turns.hasTurned(thread);
      if (blockedMs > 0 && looks * watchMs >= (isStarting ? Math.max(blockedMs, startMsMax) : blockedMs)) {
        const detail = `its event loop has not turned for ${looks * watchMs} ms`;
        void thread.terminate({ reason: 'blocked', detail });
      }
    }
    return haveAll;
  }
}
