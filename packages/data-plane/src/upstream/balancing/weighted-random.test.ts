import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { chiSquare, chiSquareLimit, countPicks, seededRandom } from '../../testing/distribution.ts';
import { WeightedRandom } from './weighted-random.ts';

describe('WeightedRandom', () => {
  it('picks in proportion to the weights', () => {
    const weights = [1, 2, 3, 4, 90, 1];
    const balancer = new WeightedRandom<number>(seededRandom(1));
    balancer.setMembers(weights.map((weight, endpoint) => ({ endpoint, weight })));
    const counts = countPicks(100_000, () => balancer.pick());
    const found = chiSquare(
      weights.map((_, index) => counts.get(index) ?? 0),
      weights,
    );
    assert.ok(found < chiSquareLimit(weights.length - 1), `chi-square ${found}`);
  });

  it('has tables that hold each weight, whatever the weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(weights, (list) => {
        // Every place of the table once, at a fine grid.
        const steps = 1000;
        let at = 0;
        const balancer = new WeightedRandom<number>(() => (at + 0.5) / (steps * list.length));
        balancer.setMembers(list.map((weight, endpoint) => ({ endpoint, weight })));
        const counts = new Map<number, number>();
        for (at = 0; at < steps * list.length; at += 1) {
          const picked = balancer.pick()!;
          counts.set(picked, (counts.get(picked) ?? 0) + 1);
        }
        const total = list.reduce((sum, weight) => sum + weight, 0);
        for (const [index, weight] of list.entries()) {
          const expected = (weight / total) * steps * list.length;
          assert.ok(Math.abs((counts.get(index) ?? 0) - expected) <= list.length + 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('has nobody without members', () => {
    const balancer = new WeightedRandom<number>(seededRandom(1));
    assert.equal(balancer.pick(), undefined);
    balancer.setMembers([]);
    assert.equal(balancer.pick(), undefined);
  });
});
