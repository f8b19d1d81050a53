import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';

const metrics = new Metrics(`# HELP a_total Things.
# TYPE a_total counter
a_total{code="200",reason=""} 3
a_total{code="502",reason="upstream \\"x\\""} 4
b 1.5e3
`);

test('series are found by name and labels, and summed', () => {
  assert.equal(metrics.sum('a_total'), 7);
  assert.equal(metrics.sum('a_total', { code: '502' }), 4);
  assert.equal(metrics.sum('c'), 0);
  assert.deepEqual([metrics.has('b'), metrics.has('c')], [true, false]);
  assert.equal(metrics.value('b'), 1500);
});

test('the one series that is asked for must be there, and be one', () => {
  assert.throws(() => metrics.value('a_total'), /2 series of a_total/);
  assert.throws(() => metrics.value('a_total', { code: '404' }), /0 series/);
});
