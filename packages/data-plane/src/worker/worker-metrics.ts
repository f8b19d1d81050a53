/** What the workers of a node have counted together, those that have ended included. */

import type { Clock } from '@causeway/runtime/clock';
import type { MetricFamily } from '@causeway/runtime/metrics';

import { countsOf, mergeMetrics } from './merge-metrics.ts';

/** A scrape waits no longer for a worker, which may be blocked. */
const deadlineMs = 1000;
/** Pace at which counts of workers are kept, scraped or not. */
const keptMs = 5000;

/** A worker, as far as it counts. */
export interface MeasuredWorker {
  /** Of the last scrape. */
  readonly lastMetrics: readonly MetricFamily[];
  collectMetrics(): Promise<readonly MetricFamily[]>;
}

export class WorkerMetrics {
  readonly #workers: ReadonlySet<MeasuredWorker>;
  readonly #clock: Clock;
  /** Of workers that have ended. */
  #left: readonly MetricFamily[] = [];
  #dueMs = 0;

  /** `workers`: those that live, at any time. */
  constructor(workers: ReadonlySet<MeasuredWorker>, clock: Clock) {
    this.#workers = workers;
    this.#clock = clock;
  }

  async collect(): Promise<MetricFamily[]> {
    const collected = await Promise.all(
      Array.from(this.#workers, (worker) => this.#of(worker).catch(() => worker.lastMetrics)),
    );
    return mergeMetrics([this.#left, ...collected]);
  }

  /** Of a worker that is about to end: what it has counted is kept. */
  async take(worker: MeasuredWorker): Promise<void> {
    await this.#of(worker).catch(() => {});
  }

  onEnded(worker: MeasuredWorker): void {
    this.#left = mergeMetrics([this.#left, countsOf(worker.lastMetrics)]);
  }

  /** To be called often: of a worker that ends unasked no more is lost than what it counted since. */
  keep(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + keptMs;
    for (const worker of this.#workers) void this.take(worker);
  }

  async #of(worker: MeasuredWorker): Promise<readonly MetricFamily[]> {
    const giveUp = new AbortController();
    const late = this.#clock.sleep(deadlineMs, giveUp.signal).then(() => worker.lastMetrics);
    late.catch(() => {});
    try {
      return await Promise.race([worker.collectMetrics(), late]);
    } finally {
      giveUp.abort();
    }
  }
}
