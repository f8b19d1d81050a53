/** Metrics of what a worker keeps of answers. */

import type { CacheCounts } from '@causeway/filters/cache/cache-store';
import type { GaugeCell } from '@causeway/runtime/metric-cells';
import type { MetricRegistry } from '@causeway/runtime/metrics';

/** Gives what refreshes them. */
export function addCacheGauges(registry: MetricRegistry): (now: CacheCounts) => void {
  const gauge = (name: string, help: string): GaugeCell => registry.gauge({ name, help }).cell({});
  const total = (name: string, help: string): GaugeCell =>
    registry.counter({ name, help }).cell({}) as GaugeCell;
  const bytes = gauge('causeway_cache_bytes', 'Memory of the answers that are stored.');
  const entries = gauge('causeway_cache_entries', 'Answers that are stored.');
  const stored = total('causeway_cache_stored_total', 'Answers that were stored, or stored anew.');
  const evicted = total('causeway_cache_evicted_total', 'Stored answers that had to go for want of room.');
  const purged = total(
    'causeway_cache_purged_total',
    'Stored answers that were taken out, by a command or by a request that changed what they showed.',
  );
  return (now) => {
    bytes.set(now.bytes);
    entries.set(now.entries);
    stored.set(now.stored);
    evicted.set(now.evicted);
    purged.set(now.purged);
  };
}
