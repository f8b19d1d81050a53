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
      stapleExpiry: [],
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
  });
});
