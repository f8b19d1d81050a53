import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createMetricsText } from './metrics-text.ts';
import { durationBucketsSeconds, MetricRegistry, type MetricFamily } from './metrics.ts';

function familyOf(registry: MetricRegistry, name: string): MetricFamily {
  const family = registry.collect().find((candidate) => candidate.name === name);
  assert.ok(family, name);
  return family;
}

function valuesOf(registry: MetricRegistry, name: string): Record<string, number[]> {
  const { series } = familyOf(registry, name);
  return Object.fromEntries(series.map(({ labels, values }) => [JSON.stringify(labels), [...values]]));
}

describe('metric cells', () => {
  it('count by label set, the same cell for the same labels', () => {
    const registry = new MetricRegistry();
    const counter = registry.counter({ name: 'hits_total', help: 'Hits.', labelNames: ['route', 'code'] });
    const cell = counter.cell({ route: 'a', code: '200' });
    cell.add(1);
    cell.add(2);
    assert.equal(counter.cell({ code: '200', route: 'a' }), cell);
    counter.cell({ route: 'a', code: '404' }).add(1);
    assert.deepEqual(valuesOf(registry, 'hits_total'), {
      '{"route":"a","code":"200"}': [3],
      '{"route":"a","code":"404"}': [1],
    });
  });

  it('keep label values apart whose concatenations are equal', () => {
    const registry = new MetricRegistry();
    const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: ['a', 'b'] });
    assert.notEqual(counter.cell({ a: 'a', b: 'bc' }), counter.cell({ a: 'ab', b: 'c' }));
    assert.notEqual(counter.cell({ a: '1:a', b: '' }), counter.cell({ a: '', b: '1:a' }));
  });

  it('set and move a gauge without labels', () => {
    const registry = new MetricRegistry();
    const cell = registry.gauge({ name: 'open', help: 'Open.' }).cell({});
    cell.set(5);
    cell.add(-2);
    assert.deepEqual(valuesOf(registry, 'open'), { '{}': [3] });
  });

  it('put an observation at, under and over a bucket bound where it belongs', () => {
    const registry = new MetricRegistry();
    const cell = registry.histogram({ name: 'h', help: 'H.', buckets: [1, 2] }).cell({});
    for (const value of [0.5, 1, 1.5, 2, 2.5]) cell.observe(value);
    assert.deepEqual(valuesOf(registry, 'h'), { '{}': [2, 2, 1, 7.5] });
  });

  it('use the OpenTelemetry buckets for durations', () => {
    const registry = new MetricRegistry();
    registry.histogram({ name: 'h_seconds', help: 'H.' });
    assert.equal(familyOf(registry, 'h_seconds').buckets, durationBucketsSeconds);
  });

  it('share one cell beyond the maximum of label sets, and count those look-ups (invariant 9)', () => {
    const registry = new MetricRegistry();
    const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: ['id'], labelSetsMax: 2 });
    for (const id of ['a', 'b', 'c', 'd']) counter.cell({ id }).add(1);
    counter.cell({ id: 'a' }).add(1);
    assert.deepEqual(valuesOf(registry, 'x_total'), {
      '{"id":"a"}': [2],
      '{"id":"b"}': [1],
      '{"id":"other"}': [2],
    });
    assert.deepEqual(valuesOf(registry, 'metric_label_sets_dropped_total'), { '{"metric":"x_total"}': [2] });
  });

  it('give a removed label set its place back', () => {
    const registry = new MetricRegistry();
    const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: ['id'], labelSetsMax: 1 });
    const gone = counter.cell({ id: 'a' });
    counter.remove({ id: 'a' });
    counter.cell({ id: 'b' }).add(1);
    gone.add(1);
    assert.deepEqual(valuesOf(registry, 'x_total'), { '{"id":"b"}': [1] });
  });

  it('keep sharing one cell after the maximum was reached and a place was freed', () => {
    const registry = new MetricRegistry();
    const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: ['id'], labelSetsMax: 2 });
    for (const id of ['a', 'b', 'c']) counter.cell({ id }).add(1);
    counter.remove({ id: 'a' });
    counter.cell({ id: 'd' }).add(1);
    assert.deepEqual(Object.keys(valuesOf(registry, 'x_total')), [
      '{"id":"b"}',
      '{"id":"other"}',
      '{"id":"d"}',
    ]);
  });

  it('refuse two metrics of one name', () => {
    const registry = new MetricRegistry();
    registry.counter({ name: 'x_total', help: 'X.' });
    assert.throws(() => registry.gauge({ name: 'x_total', help: 'X.' }), /registered once/);
  });

  it('refuse a counter whose name OpenMetrics would not allow', () => {
    assert.throws(() => new MetricRegistry().counter({ name: 'hits', help: 'Hits.' }), /ends in _total/);
  });

  it('refresh gauges before each collection', () => {
    const registry = new MetricRegistry();
    const cell = registry.gauge({ name: 'size', help: 'Size.' }).cell({});
    let size = 1;
    registry.onCollect(() => cell.set(size));
    assert.deepEqual(valuesOf(registry, 'size'), { '{}': [1] });
    size = 2;
    assert.deepEqual(valuesOf(registry, 'size'), { '{}': [2] });
  });
});

describe('metrics text', () => {
  const registry = new MetricRegistry();
  const hits = registry.counter({ name: 'hits_total', help: 'Hits.', labelNames: ['path'] });
  hits.cell({ path: 'a"b\\c\nd' }).add(3);
  const latency = registry.histogram({ name: 'latency_seconds', help: 'Latency.', buckets: [0.1, 1] });
  for (const value of [0.05, 0.5, 5]) latency.cell({}).observe(value);
  const limit = registry.gauge({ name: 'limit', help: 'A "limit"\nof \\ us.', labelNames: ['kind'] });
  limit.cell({ kind: 'none' }).set(Number.POSITIVE_INFINITY);
  limit.cell({ kind: 'unknown' }).set(Number.NaN);
  const render = createMetricsText(() => registry.collect());

  it('is the Prometheus format unless asked otherwise, label values escaped, buckets cumulative', async () => {
    const { contentType, body } = await render();
    assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
    const expected = [
      '# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total{path="a\\"b\\\\c\\nd"} 3\n',
      '# TYPE latency_seconds histogram\nlatency_seconds_bucket{le="0.1"} 1\nlatency_seconds_bucket{le="1"} 2\n',
      'latency_seconds_bucket{le="+Inf"} 3\nlatency_seconds_sum 5.55\nlatency_seconds_count 3\n',
      '# HELP limit A "limit"\\nof \\\\ us.\n',
      'limit{kind="none"} +Inf\nlimit{kind="unknown"} NaN\n',
    ];
    for (const text of expected) assert.ok(body.includes(text), `${text}\nis not in\n${body}`);
  });

  it('is OpenMetrics when the scraper accepts it', async () => {
    const { contentType, body } = await render('application/openmetrics-text;version=1.0.0,text/plain;q=0.5');
    assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/);
    assert.ok(body.includes('# TYPE hits counter\nhits_total{'), body);
    assert.match(body, /^# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total [\d.]+\n/m);
    assert.equal(body.indexOf('# EOF\n'), body.length - '# EOF\n'.length);
    assert.doesNotMatch(body, /\n\n/);
    assert.doesNotMatch(body, /_total_total/);
  });

  it('tells about the process itself, twice in a row', async () => {
    for (let scrape = 0; scrape < 2; scrape += 1) {
      const { body } = await render();
      assert.match(body, /\nprocess_resident_memory_bytes [1-9]/);
      assert.match(body, /\nprocess_start_time_seconds [1-9]/);
    }
  });
});
