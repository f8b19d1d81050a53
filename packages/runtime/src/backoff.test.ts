import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createBackoff } from './backoff.ts';

describe('backoff', () => {
  it('doubles the upper bound of the delay up to the maximum', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 350, random: () => 0.5 });
    const delays = Array.from({ length: 4 }, () => backoff.nextMs());
    assert.deepEqual(delays, [50, 100, 175, 175]);
  });

  it('draws from the whole range, zero included', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 100, random: () => 0 });
    assert.equal(backoff.nextMs(), 0);
  });

  it('starts again after reset', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 1000, random: () => 0.5 });
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    assert.equal(backoff.nextMs(), 50);
  });

  it('is random by default, and stays in its bounds', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 100 });
    const delays = Array.from({ length: 100 }, () => backoff.nextMs());
    assert.ok(delays.every((delayMs) => delayMs >= 0 && delayMs < 100));
    assert.ok(new Set(delays).size > 50);
  });
});
