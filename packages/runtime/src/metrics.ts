/**
 * Metrics on typed-array cells: what the hot path touches is a handle, looked up once, whose `add` is one array store.
 * Every metric has a maximum of label sets; whatever comes beyond shares one cell and is counted.
 */

import { assert } from './assert.ts';
import {
  BucketCell,
  NumberCell,
  type CounterCell,
  type GaugeCell,
  type HistogramCell,
} from './metric-cells.ts';

/** OpenTelemetry's advice for `http.server.request.duration` (semantic conventions), seconds. */
export const durationBucketsSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;

/** Label sets of one metric when it names no maximum. */
export const labelSetsMaxDefault = 1000;

/** The value of every label of the cell that label sets beyond the maximum share. */
export const overflowLabelValue = 'other';

const droppedLabelSetsName = 'metric_label_sets_dropped_total';

export interface MetricOptions<L extends string> {
  /** With its unit and, for a counter, `_total`: `http_requests_total`, `config_apply_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly L[];
  /** Most label sets kept, besides the shared one; default `labelSetsMaxDefault`. */
  readonly labelSetsMax?: number;
  /** How the values of several threads make one; default the sum. */
  readonly combine?: Combine;
}

export type Combine = 'sum' | 'max';

export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Upper bounds, ascending, without infinity; default `durationBucketsSeconds`. */
  readonly buckets?: readonly number[];
}

/** One metric: gives cells by label values. Keep the cell: the look-up builds a key from all values. */
export interface Metric<L extends string, C> {
  /** The cell of these labels, the same one each time; the shared cell when there are `labelSetsMax` already. */
  cell(labels: Readonly<Record<L, string>>): C;
  /** Forgets these labels, so that they no longer count against the maximum. A cell still held counts into the void. */
  remove(labels: Readonly<Record<L, string>>): void;
}

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A metric as exposition needs it. `values` of a histogram: a count per bucket (not cumulative), above all, sum. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly buckets: readonly number[];
  readonly combine: Combine;
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly values: Float64Array;
  }[];
}

export class MetricRegistry {
  readonly #metrics = new Map<string, CellMetric<string, unknown>>();
  readonly #refreshers: (() => void)[] = [];
  readonly #dropped = this.counter({
    name: droppedLabelSetsName,
    help: 'Look-ups of label sets beyond the maximum of their metric, which share one series.',
    labelNames: ['metric'],
  });

  counter<const L extends string = never>(options: MetricOptions<L>): Metric<L, CounterCell> {
    assert(options.name.endsWith('_total'), `the name of counter ${options.name} ends in _total`);
    return this.#register('counter', options, [], (values) => new NumberCell(values));
  }

  gauge<const L extends string = never>(options: MetricOptions<L>): Metric<L, GaugeCell> {
    return this.#register('gauge', options, [], (values) => new NumberCell(values));
  }

  histogram<const L extends string = never>(options: HistogramOptions<L>): Metric<L, HistogramCell> {
    const buckets = options.buckets ?? durationBucketsSeconds;
    return this.#register('histogram', options, buckets, (values) => new BucketCell(values, buckets));
  }

  /** Runs `refresh` before each collection: for gauges that are cheaper to read than to keep. */
  onCollect(refresh: () => void): void {
    this.#refreshers.push(refresh);
  }

  /** All metrics in the order of their creation. The arrays are live: render them before the next turn. */
  collect(): readonly MetricFamily[] {
    for (const refresh of this.#refreshers) refresh();
    return [...this.#metrics.values()];
  }

  #register<L extends string, C>(
    type: MetricType,
    options: HistogramOptions<L>,
    buckets: readonly number[],
    createCell: (values: Float64Array) => C,
  ): Metric<L, C> {
    assert(!this.#metrics.has(options.name), `metric ${options.name} is registered once`);
    const metric = new CellMetric(type, options, buckets, createCell, () => {
      this.#dropped.cell({ metric: options.name }).add(1);
    });
    this.#metrics.set(options.name, metric);
    return metric;
  }
}

interface Series<C> {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Float64Array;
  readonly cell: C;
}

class CellMetric<L extends string, C> implements Metric<L, C>, MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly buckets: readonly number[];
  readonly combine: Combine;
  readonly #labelNames: readonly L[];
  readonly #labelSetsMax: number;
  readonly #createCell: (values: Float64Array) => C;
  readonly #onDropped: () => void;
  readonly #cells = new Map<string, Series<C>>();
  #overflow: Series<C> | undefined;

  constructor(
    type: MetricType,
    options: MetricOptions<L>,
    buckets: readonly number[],
    createCell: (values: Float64Array) => C,
    onDropped: () => void,
  ) {
    this.type = type;
    this.name = options.name;
    this.help = options.help;
    this.buckets = buckets;
    this.combine = options.combine ?? 'sum';
    this.#labelNames = options.labelNames ?? [];
    this.#labelSetsMax = options.labelSetsMax ?? labelSetsMaxDefault;
    this.#createCell = createCell;
    this.#onDropped = onDropped;
  }

  get series(): MetricFamily['series'] {
    return [...this.#cells.values()];
  }

  cell(labels: Readonly<Record<L, string>>): C {
    const values = this.#labelNames.map((name) => labels[name]);
    const known = this.#cells.get(keyOf(values));
    if (known !== undefined) return known.cell;
    if (this.#cells.size - (this.#overflow ? 1 : 0) < this.#labelSetsMax) return this.#add(values).cell;
    this.#onDropped();
    const shared = this.#labelNames.map(() => overflowLabelValue);
    this.#overflow ??= this.#cells.get(keyOf(shared)) ?? this.#add(shared);
    return this.#overflow.cell;
  }

  remove(labels: Readonly<Record<L, string>>): void {
    const key = keyOf(this.#labelNames.map((name) => labels[name]));
    if (this.#cells.get(key) !== this.#overflow) this.#cells.delete(key);
  }

  #add(labelValues: readonly string[]): Series<C> {
    const labels = Object.fromEntries(
      this.#labelNames.map((name, index) => [name, labelValues[index] ?? '']),
    );
    const values = new Float64Array(this.type === 'histogram' ? this.buckets.length + 2 : 1);
    const series = { labels, values, cell: this.#createCell(values) };
    this.#cells.set(keyOf(labelValues), series);
    return series;
  }
}

function keyOf(labelValues: readonly string[]): string {
  // One value, or none, needs no separator; lengths keep ["a", "bc"] and ["ab", "c"] apart.
  if (labelValues.length < 2) return labelValues[0] ?? '';
  let key = '';
  for (const value of labelValues) key += `${value.length}:${value}`;
  return key;
}
