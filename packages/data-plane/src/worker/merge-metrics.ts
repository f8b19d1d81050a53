/** The metrics of several workers as those of one node. */

import type { MetricFamily } from '@causeway/runtime/metrics';

type Series = MetricFamily['series'][number];

/** Families of one name become one: counters, histograms and most gauges are added, some gauges tell the largest. */
export function mergeMetrics(sources: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const merged = new Map<string, { family: MetricFamily; series: Map<string, Series> }>();
  for (const family of sources.flat()) {
    const known = merged.get(family.name) ?? { family, series: new Map<string, Series>() };
    merged.set(family.name, known);
    for (const { labels, values } of family.series) {
      const key = JSON.stringify(labels);
      const before = known.series.get(key);
      if (before === undefined) known.series.set(key, { labels, values: Float64Array.from(values) });
      else combine(before.values, values, family.combine);
    }
  }
  return Array.from(merged.values(), ({ family, series }) => {
    const { name, help, type, buckets, combine: how } = family;
    return { name, help, type, buckets, combine: how, series: [...series.values()] };
  });
}

/** What a worker that has ended leaves behind: what it counted, and none of what it measured. */
export function countsOf(families: readonly MetricFamily[]): MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge');
}

function combine(into: Float64Array, values: Float64Array, how: MetricFamily['combine']): void {
  for (const [index, value] of values.entries())
    into[index] = how === 'max' ? Math.max(into[index]!, value) : into[index]! + value;
}
