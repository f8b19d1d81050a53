/** One worker as its supervisor sees it, from its start to its end. */

import type { LoginKeyPair } from '@causeway/filters/oidc/login-keys';
import type { EndedLogin } from '@causeway/filters/oidc/login-services';
import { Worker } from 'node:worker_threads';
import type { ChangedPlace } from '@causeway/filters/cache/cache-store';
import type { KeySetChange } from '@causeway/filters/jwt/key-sets';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import type { MetricFamily } from '@causeway/runtime/metrics';

import type { StapleChange } from '../listen/tls/ocsp/staples.ts';
import type { AffinityKeyPair } from '../upstream/balancing/affinity-keys.ts';
import type { PlaceWant } from '../upstream/endpoint-places.ts';
import type { CachePurge } from '../cache/purge-query.ts';
import type { StreamList } from '../streams/live-streams.ts';
import type { StreamQuery } from '../streams/stream-query.ts';
import type { WorkerDrain } from './drain-report.ts';
import { PortCalls } from './port-calls.ts';
import { type Applied, nothingApplied, wireUpdate } from './wire-update.ts';
import type {
  FoundAddresses,
  PrepareAnswer,
  PrepareRequest,
  SupervisorAsks,
  SupervisorTells,
  WorkerSetup,
} from './worker-setup.ts';

const entry = new URL('./worker-entry.ts', import.meta.url);

/** Why a worker ended. */
export interface WorkerEnd {
  /** Bounded, for metrics: `error`, `memory`, `blocked`, or `stopped` when it was asked to. */
  readonly reason: 'error' | 'memory' | 'blocked' | 'stopped';
  readonly detail: string;
  /** What it threw. */
  readonly error?: unknown;
}

export class WorkerThread {
  /** Its slice of what is shared. */
  readonly slot: number;
  /** Resolves once, when the thread is gone. */
  readonly ended: Promise<WorkerEnd>;
  /** It drains, and has another in its place. */
  isLeaving = false;
  /** Of the last scrape. */
  lastMetrics: readonly MetricFamily[] = [];
  readonly #thread: Worker;
  readonly #calls: PortCalls;
  #applied: Applied = nothingApplied;
  #preparing: Applied | undefined;
  #stopReason: WorkerEnd | undefined;

  /** `heapMbMax`: of its long-lived objects; undefined = as the runtime has it. */
  constructor(setup: WorkerSetup, handlers: SupervisorTells & SupervisorAsks, heapMbMax: number | undefined) {
    this.slot = setup.worker;
    this.#thread = new Worker(entry, {
      workerData: setup,
      name: `worker ${setup.worker}`,
      ...(heapMbMax !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMbMax } }),
    });
    this.#calls = new PortCalls(this.#thread, { ...handlers });
    this.ended = this.#watch();
  }

  /** Whether it has a table. */
  get isServing(): boolean {
    return this.#applied !== nothingApplied;
  }

  /** Rejects when the thread ends. Problems: it serves what it served. */
  async prepare(to: Applied, request: Omit<PrepareRequest, 'wire'>): Promise<PrepareAnswer> {
    const wire = wireUpdate(this.#applied, to);
    const answer = await this.#calls.ask<PrepareAnswer>('prepare', { wire, ...request });
    this.#preparing = answer.problems.length === 0 ? to : undefined;
    return answer;
  }

  async commit(): Promise<void> {
    await this.#calls.ask('commit');
    this.#applied = this.#preparing ?? this.#applied;
  }

  async abort(): Promise<void> {
    this.#preparing = undefined;
    await this.#calls.ask('abort');
  }

  drain(drainDelayMs: number | undefined): Promise<WorkerDrain> {
    return this.#calls.ask('drain', drainDelayMs);
  }

  listStreams(query: StreamQuery): Promise<StreamList> {
    return this.#calls.ask('listStreams', query);
  }

  purgeCache(wanted: CachePurge): Promise<number> {
    return this.#calls.ask('purgeCache', wanted);
  }

  async collectMetrics(): Promise<readonly MetricFamily[]> {
    this.lastMetrics = await this.#calls.ask<readonly MetricFamily[]>('metrics');
    return this.lastMetrics;
  }

  configDump(): Promise<object> {
    return this.#calls.ask('configDump');
  }

  tellAddresses(found: FoundAddresses): void {
    this.#calls.tell('addresses', found);
  }

  tellWanted(want: PlaceWant): void {
    this.#calls.tell('placeWanted', want);
  }

  tellFreed(endpoint: string): void {
    this.#calls.tell('placeFreed', endpoint);
  }

  tellDescriptors(openFilesMax: number | undefined): void {
    this.#calls.tell('descriptors', openFilesMax);
  }

  tellTicketKeys(keys: Uint8Array): void {
    this.#calls.tell('ticketKeys', keys);
  }

  tellAffinityKeys(keys: AffinityKeyPair): void {
    this.#calls.tell('affinityKeys', keys);
  }

  tellFellows(nodes: number): void {
    this.#calls.tell('fellows', nodes);
  }

  tellLoginKeys(keys: LoginKeyPair): void {
    this.#calls.tell('loginKeys', keys);
  }

  tellLoginEnded(ended: EndedLogin): void {
    this.#calls.tell('loginEnded', ended);
  }

  tellStaple(change: StapleChange): void {
    this.#calls.tell('staple', change);
  }

  tellKeySet(change: KeySetChange): void {
    this.#calls.tell('keySet', change);
  }

  tellCacheChanged(place: ChangedPlace): void {
    this.#calls.tell('cacheChanged', place);
  }

  /** Ends the thread wherever it is. */
  async terminate(end: WorkerEnd): Promise<void> {
    this.#stopReason ??= end;
    await this.#thread.terminate();
  }

  async #watch(): Promise<WorkerEnd> {
    let failure: unknown;
    this.#thread.on('error', (error) => {
      failure ??= error;
    });
    const code = await new Promise<number>((resolve) => this.#thread.once('exit', resolve));
    const end = this.#stopReason ?? endOf(failure, code);
    this.#calls.close(new Error(`the worker has ended: ${end.detail}`));
    return end;
  }
}

function endOf(failure: unknown, code: number): WorkerEnd {
  if (failure === undefined) return { reason: 'error', detail: `exit code ${code}` };
  const isMemory = systemCodeOf(failure) === 'ERR_WORKER_OUT_OF_MEMORY';
  return { reason: isMemory ? 'memory' : 'error', detail: messageOf(failure), error: failure };
}
