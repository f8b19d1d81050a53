import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ConfigMetrics } from './config-metrics.ts';

describe('ConfigMetrics', () => {
  it('shows how the node stands with its configuration', () => {
    const gauges = {
      appliedRevision: 41,
      desiredRevision: 42,
      rejectedTotal: 3,
      stalenessSeconds: undefined,
      workers: 2,
      stapleExpiry: [] as { certificate: string; seconds: number }[],
    };
    const metrics = new ConfigMetrics(() => gauges);
    metrics.onApplied(30);
    const families = metrics.registry.collect();
    const last = (name: string): number | undefined =>
      families.find((family) => family.name === `causeway_config_${name}`)?.series[0]?.values.at(-1);
    assert.deepEqual(
      ['applied_revision', 'desired_revision', 'rejected_total', 'staleness_seconds', 'apply_seconds'].map(
        last,
      ),
      [41, 42, 3, -1, 0.03],
    );
    const staples = (): (readonly [unknown, number])[] =>
      metrics.registry
        .collect()
        .find(({ name }) => name === 'causeway_ocsp_staple_expiry_seconds')!
        .series.map(({ labels, values }) => [labels, values[0]!]);
    gauges.stapleExpiry = [{ certificate: 'default/a', seconds: 60 }];
    assert.deepEqual(staples(), [[{ certificate: 'default/a' }, 60]]);
    gauges.stapleExpiry = [{ certificate: 'default/b', seconds: 0 }];
    assert.deepEqual(staples(), [[{ certificate: 'default/b' }, 0]]);
  });
});
