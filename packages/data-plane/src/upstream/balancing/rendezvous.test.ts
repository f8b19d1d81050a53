import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { chiSquare, chiSquareLimit, countPicks } from '../../testing/distribution.ts';
import { contenderSeed, highestScore } from './rendezvous.ts';

const contendersOf = (weights: readonly number[]) =>
  weights.map((weight, index) => ({ name: index, weight, seed: contenderSeed(`default/s${index}`) }));
const pickOf = (key: string, weights: readonly number[]) => highestScore(key, contendersOf(weights))?.name;

const anyWeights = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 6 });

describe('highestScore', () => {
  it('spreads keys by weight', () => {
    const weights = [5, 95, 20, 80];
    const counts = countPicks(100_000, (count) => pickOf(`user-${count}`, weights));
    const found = chiSquare(
      weights.map((_, index) => counts.get(index) ?? 0),
      weights,
    );
    assert.ok(found < chiSquareLimit(3), `chi-square ${found}`);
  });

  it('never moves a key away from one whose weight is raised, nor between others', () => {
    const key = fc.string();
    fc.assert(
      fc.property(
        anyWeights,
        key,
        fc.nat(5),
        fc.integer({ min: 1, max: 5000 }),
        (weights, text, at, more) => {
          const raised = at % weights.length;
          const before = pickOf(text, weights);
          const after = pickOf(text, weights.with(raised, weights[raised]! + more));
          assert.ok(after === before || after === raised);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('gives nothing to a weight of 0', () => {
    fc.assert(
      fc.property(anyWeights, fc.string(), (weights, text) => {
        const picked = pickOf(text, weights);
        assert.equal(
          picked === undefined,
          weights.every((weight) => weight === 0),
        );
        if (picked !== undefined) assert.ok(weights[picked]! > 0);
      }),
    );
  });

  it('moves only the keys of one that goes', () => {
    const weights = [1, 1, 1, 1];
    const keys = Array.from({ length: 20_000 }, (_, count) => `user-${count}`);
    const moved = keys.filter((key) => pickOf(key, weights) !== pickOf(key, [1, 0, 1, 1]));
    assert.ok(moved.length < 0.3 * keys.length);
    for (const key of moved) assert.equal(pickOf(key, weights), 1);
  });
});
