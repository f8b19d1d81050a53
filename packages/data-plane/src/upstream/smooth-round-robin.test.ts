import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nextInRotation } from './smooth-round-robin.ts';

const members = (weights: Record<string, number>) =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight, current: 0 }));

describe('nextInRotation', () => {
  it('spreads the members evenly', () => {
    const rotation = members({ a: 5, b: 1, c: 1 });
    const taken = Array.from({ length: 7 }, () => nextInRotation(rotation)?.name);
    assert.equal(taken.join(''), 'aabacaa');
  });

  it('is exact over each full cycle', () => {
    const rotation = members({ a: 90, b: 10, c: 0, d: 7 });
    for (let cycle = 0; cycle < 3; cycle += 1) {
      const counts = new Map<string, number>();
      for (let count = 0; count < 107; count += 1) {
        const { name } = nextInRotation(rotation)!;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries(counts), { a: 90, b: 10, d: 7 });
    }
  });

  it('gives none when there is none with a weight', () => {
    assert.equal(nextInRotation([]), undefined);
    assert.equal(nextInRotation(members({ a: 0, b: 0 })), undefined);
  });
});
