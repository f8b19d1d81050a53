import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MetricRegistry } from '@causeway/runtime/metrics';

import { countsOf, mergeMetrics } from './merge-metrics.ts';

function worker(requests: number, connections: number, pauseSeconds: number): MetricRegistry {
  const registry = new MetricRegistry();
  registry
    .counter({ name: 'requests_total', help: 'h', labelNames: ['code'] })
    .cell({ code: '200' })
    .add(requests);
  registry.gauge({ name: 'connections', help: 'h', labelNames: [] }).cell({}).set(connections);
  registry
    .gauge({ name: 'pause_seconds', help: 'h', labelNames: [], combine: 'max' })
    .cell({})
    .set(pauseSeconds);
  return registry;
}

describe('metrics of several workers', () => {
  it('are those of one node: added, or the largest', () => {
    const merged = mergeMetrics([worker(3, 5, 0.25).collect(), worker(4, 6, 0.5).collect()]);
    // The first one is of the registry itself.
    const values = merged.slice(1).map(({ name, series }) => [name, series.map((each) => [...each.values])]);
    assert.deepEqual(values, [
      ['requests_total', [[7]]],
      ['connections', [[11]]],
      ['pause_seconds', [[0.5]]],
    ]);
  });

  it('leave what they counted behind, and none of what they measured', () => {
    assert.deepEqual(
      countsOf(worker(3, 5, 0.25).collect())
        .slice(1)
        .map(({ name }) => name),
      ['requests_total'],
    );
  });
});
