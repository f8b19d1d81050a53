import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Allowance, windowMs } from './allowance.ts';

describe('Allowance', () => {
  it('gives as many as it holds in a window, and as many in the next', () => {
    const allowance = new Allowance(2);
    const takes = (atMs: number): boolean[] => Array.from({ length: 3 }, () => allowance.take(atMs));
    assert.deepEqual(takes(5), [true, true, false]);
    assert.deepEqual(takes(5 + windowMs - 1), [false, false, false]);
    assert.deepEqual(takes(5 + windowMs), [true, true, false]);
  });
});
