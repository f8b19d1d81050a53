import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { MetricRegistry, type MetricFamily } from '@causeway/runtime/metrics';

import { mergeMetrics } from './merge-metrics.ts';
import { type MeasuredWorker, WorkerMetrics } from './worker-metrics.ts';

/** A worker with one count, which it tells when it is asked. */
class Counting implements MeasuredWorker {
  lastMetrics: readonly MetricFamily[] = [];
  asked = 0;
  readonly #registry = new MetricRegistry();
  readonly cell = this.#registry.counter({ name: 'requests_total', help: 'Requests.' }).cell({});

  async collectMetrics(): Promise<readonly MetricFamily[]> {
    this.asked += 1;
    // A copy, as a thread makes one.
    this.lastMetrics = mergeMetrics([this.#registry.collect()]);
    return this.lastMetrics;
  }
}

const sum = async (metrics: WorkerMetrics): Promise<number | undefined> => {
  const family = (await metrics.collect()).find(({ name }) => name === 'requests_total');
  return family?.series[0]?.values[0];
};

describe('WorkerMetrics', () => {
  it('adds up workers, and keeps what those had counted that have ended', async () => {
    const [one, other] = [new Counting(), new Counting()];
    const workers = new Set([one, other]);
    const metrics = new WorkerMetrics(workers, new ManualClock());
    one.cell.add(2);
    other.cell.add(3);
    assert.equal(await sum(metrics), 5);
    workers.delete(one);
    metrics.onEnded(one);
    other.cell.add(1);
    assert.equal(await sum(metrics), 6);
  });

  it('asks without being scraped, every five seconds and no more often', async () => {
    const clock = new ManualClock();
    const worker = new Counting();
    const workers = new Set([worker]);
    const metrics = new WorkerMetrics(workers, clock);
    worker.cell.add(7);
    clock.advance(1);
    metrics.keep();
    metrics.keep();
    assert.equal(worker.asked, 1);
    clock.advance(4999);
    metrics.keep();
    assert.equal(worker.asked, 1);
    clock.advance(1);
    metrics.keep();
    assert.equal(worker.asked, 2);
    // It ends without a word: what was asked last is what is left of it.
    worker.cell.add(1);
    workers.delete(worker);
    metrics.onEnded(worker);
    assert.equal(await sum(metrics), 7);
  });
});
