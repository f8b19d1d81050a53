import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nextWarmthMs, warmthAt, warmthMax } from './slow-start.ts';

describe('slow start', () => {
  it('grows from a tenth to the whole in equal steps', () => {
    const steps = Array.from({ length: 13 }, (_, tenth) => warmthAt(1000, 1000 + tenth * 100, 1000));
    assert.deepEqual(steps, [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
  });

  it('is over for what was always there', () => {
    assert.equal(warmthAt(-Infinity, 0, 1000), warmthMax);
    assert.equal(nextWarmthMs(-Infinity, 0, 1000), Infinity);
  });

  it('says when the next step is', () => {
    let nowMs = 500;
    const seen: number[] = [];
    for (; nowMs < Infinity; nowMs = nextWarmthMs(500, nowMs, 300)) seen.push(warmthAt(500, nowMs, 300));
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
