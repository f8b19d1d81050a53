import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { SuccessRate, windowSteps } from './success-rate.ts';

/** After steps of so many tries and failures each. */
function rateAfter(...steps: readonly (readonly [requests: number, failures: number])[]): SuccessRate {
  const rate = new SuccessRate();
  const counts = { requests: 7, failures: 3 };
  rate.note({ ...counts });
  for (const [requests, failures] of steps) {
    counts.requests += requests;
    counts.failures += failures;
    rate.note({ ...counts });
  }
  return rate;
}

describe('the success rate of an endpoint', () => {
  it('is that of the window, from the first step on', () => {
    assert.equal(rateAfter([10, 1]).percent(1), 90);
    assert.equal(rateAfter([10, 1], [10, 9]).percent(1), 50);
    const gone: [number, number][] = [
      [100, 100],
      ...Array.from({ length: windowSteps }, (): [number, number] => [1, 0]),
    ];
    assert.equal(rateAfter(...gone).percent(1), 100);
    assert.ok(rateAfter(...gone.slice(0, windowSteps)).percent(1)! < 10);
  });

  it('is nothing with fewer tries than it takes', () => {
    const rate = rateAfter([50, 50], [49, 0]);
    assert.deepEqual([rate.percent(100), rate.percent(99)], [undefined, (100 * 49) / 99]);
    assert.equal(rateAfter([0, 0]).percent(0), undefined);
  });

  it('does not go wrong when a worker takes its counts along, or when they wrap around', () => {
    const rate = rateAfter([10, 5]);
    rate.note({ requests: 2, failures: 0 });
    assert.equal(rate.percent(1), 50);
    rate.note({ requests: 12, failures: 10 });
    assert.equal(rate.percent(1), 25);
    const wrapping = new SuccessRate();
    wrapping.note({ requests: 2 ** 31 - 4, failures: 0 });
    wrapping.note({ requests: -(2 ** 31) + 4, failures: 2 });
    assert.equal(wrapping.percent(8), 75);
  });

  it('begins anew when it is told to', () => {
    const rate = rateAfter([10, 10]);
    rate.restart();
    assert.equal(rate.percent(1), undefined);
  });
});
