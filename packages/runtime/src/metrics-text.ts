/** Metrics as text for a scraper: our cells, and what every Node process should tell of itself. */

import { collectDefaultMetrics, Registry } from '@prometheus-io/client';

import type { MetricFamily } from './metrics.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** A sample in the JSON shape of the client's `getMetricsAsJSON`. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Starts watching this process (CPU, memory, event loop lag, garbage collection, descriptors) and returns the function
 * that renders these together with `collect()`. Call it once a process: it observes garbage collection from then on.
 * @param collect called once a scrape, such as `() => registry.collect()`.
 */
export function createMetricsText(
  collect: () => readonly MetricFamily[],
): (accept?: string) => Promise<MetricsText> {
  const processMetrics = new Registry();
  collectDefaultMetrics({ register: processMetrics });
  return async (accept = '') => {
    const openMetrics = accept.includes('application/openmetrics-text');
    const json = [...(await processMetrics.getMetricsAsJSON()), ...collect().map(toJson)];
    // The client has no door for foreign samples but this one, made for merging the metrics of many processes.
    const registry = Registry.aggregate([json.map((family) => prepare(family, openMetrics))]);
    registry.setContentType(
      openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
    );
    return { contentType: registry.contentType, body: await registry.metrics() };
  };
}

function toJson(family: MetricFamily): { name: string; help: string; type: string; values: Sample[] } {
  const { name, help, type } = family;
  const values: Sample[] = [];
  for (const series of family.series) {
    if (type === 'histogram') pushHistogram(values, family, series.labels, series.values);
    else values.push({ labels: series.labels, value: series.values[0] ?? 0 });
  }
  return { name, help, type, values };
}

/** Buckets are cumulative in the text, and the one at infinity is the count of all. */
function pushHistogram(
  samples: Sample[],
  family: MetricFamily,
  labels: Readonly<Record<string, string>>,
  values: Float64Array,
): void {
  const metricName = `${family.name}_bucket`;
  let count = 0;
  for (const [index, bound] of [...family.buckets, Number.POSITIVE_INFINITY].entries()) {
    count += values[index] ?? 0;
    const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
    samples.push({ metricName, labels: { ...labels, le }, value: count });
  }
  const sum = values[family.buckets.length + 1] ?? 0;
  samples.push({ metricName: `${family.name}_sum`, labels, value: sum });
  samples.push({ metricName: `${family.name}_count`, labels, value: count });
}

/** `first`: there is one process here, and some process metrics ask to be left out or averaged by a merge. */
function prepare(family: { name: string; type: unknown }, openMetrics: boolean): object {
  // OpenMetrics names a counter's family without the suffix; the client adds it to each sample but does not take it off here.
  const isCounter = family.type === 'counter' || family.type === 'Counter';
  const name = openMetrics && isCounter ? family.name.replace(/_total$/, '') : family.name;
  return { ...family, name, aggregator: 'first' };
}
