import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { MessageRate } from './message-rate.ts';

describe('a rate of messages', () => {
  it("lets a second's messages come at once, and one more when a share of a second has passed", () => {
    for (const perSecond of [1, 3, 7, 10, 60, 1000]) {
      const rate = new MessageRate(perSecond, 5000.25);
      for (let count = 0; count < perSecond; count += 1) assert.equal(rate.take(5000.25), true);
      assert.equal(rate.take(5000.25), false);
      const shareMs = 1000 / perSecond;
      assert.equal(rate.take(5000.25 + shareMs * 0.99), false);
      assert.equal(rate.take(5000.25 + shareMs), true);
      assert.equal(rate.take(5000.25 + shareMs), false);
    }
  });

  it('goes on for ever at exactly the rate', () => {
    const rate = new MessageRate(3, 0);
    for (let count = 0; count < 3; count += 1) rate.take(0);
    for (let count = 1; count <= 10_000; count += 1)
      assert.equal(rate.take((count * 1000) / 3), true, String(count));
    assert.equal(rate.take(10_000_000 / 3), false);
  });

  it('saves up no more than a second', () => {
    const rate = new MessageRate(2, 0);
    assert.deepEqual(
      [1, 2, 3].map(() => rate.take(3_600_000)),
      [true, true, false],
    );
  });
});
