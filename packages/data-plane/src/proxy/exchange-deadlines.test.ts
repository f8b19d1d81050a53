import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { deadline, rateDeadline } from './exchange-deadlines.ts';

describe('deadline', () => {
  it('is so long after the beginning, and never when it is off', () => {
    assert.deepEqual([deadline(1000, 1), deadline(1000, 60_000)], [1001, 61_000]);
    assert.equal(deadline(1000, 0), Infinity);
  });
});

describe('rateDeadline', () => {
  it('gives 5 s, and the time that the bytes take at the lowest rate', () => {
    assert.equal(rateDeadline(1000, 0, 240), 6000);
    assert.equal(rateDeadline(1000, 240, 240), 7000);
    assert.equal(rateDeadline(0, 65_536, 1024), 69_000);
  });

  it('is never when it is off', () => {
    assert.equal(rateDeadline(1000, 1, 0), Infinity);
  });
});
