import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { countPicks } from '../../testing/distribution.ts';
import { RoundRobin } from './round-robin.ts';

function rotation(weights: Readonly<Record<string, number>>): RoundRobin<string> {
  const balancer = new RoundRobin<string>();
  balancer.setMembers(members(weights));
  return balancer;
}

const members = (weights: Readonly<Record<string, number>>) =>
  Object.entries(weights).map(([endpoint, weight]) => ({ endpoint, weight }));
const take = (balancer: RoundRobin<string>, count: number) =>
  Array.from({ length: count }, () => balancer.pick()).join('');

describe('RoundRobin', () => {
  it('spreads the turns of each member evenly', () => {
    assert.equal(take(rotation({ a: 1, b: 1, c: 1 }), 6), 'abcabc');
    assert.equal(take(rotation({ a: 2, b: 1 }), 6), 'abaaba');
    assert.equal(take(rotation({ a: 5, b: 1, c: 1 }), 7), 'abaaaca');
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [String(index), 1]));
    assert.match(take(rotation({ a: 10, ...many }), 20), /^(a\da?|\da?)+$/, 'no bursts of the heavy one');
  });

  it('gives each member exactly its weight in every cycle, and at any moment nearly its share', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, (list) => {
        const balancer = new RoundRobin<number>();
        balancer.setMembers(list.map((weight, endpoint) => ({ endpoint, weight })));
        const total = list.reduce((sum, weight) => sum + weight, 0);
        for (let cycle = 0; cycle < 3; cycle += 1) {
          const counts = countPicks(total, () => balancer.pick());
          assert.deepEqual(
            list.map((_, index) => counts.get(index)),
            list,
          );
        }
        const half = countPicks(Math.floor(total / 2), () => balancer.pick());
        for (const [index, weight] of list.entries())
          assert.ok(Math.abs((half.get(index) ?? 0) - weight / 2) <= list.length / 2 + 1);
      }),
    );
  });

  it('is exact with weights up to the largest', () => {
    const balancer = rotation({ a: 1_000_000, b: 999_999, c: 1 });
    const counts = countPicks(2_000_000, () => balancer.pick());
    assert.deepEqual(Object.fromEntries(counts), { a: 1_000_000, b: 999_999, c: 1 });
  });

  it('keeps the turns of members that stay', () => {
    const balancer = rotation({ a: 1, b: 1, c: 1 });
    assert.equal(take(balancer, 1), 'a');
    balancer.setMembers(members({ a: 1, b: 1 }));
    assert.equal(take(balancer, 3), 'bab');
    balancer.setMembers(members({ a: 1, b: 1, d: 1 }));
    assert.equal(take(balancer, 6).split('').toSorted().join(''), 'aabbdd');
  });

  it('does not give a newcomer what it has missed', () => {
    const balancer = rotation({ a: 100, b: 100 });
    take(balancer, 180);
    balancer.setMembers(members({ a: 100, b: 100, c: 100 }));
    const counts = countPicks(30, () => balancer.pick());
    assert.ok(counts.get('c')! <= 11, `${counts.get('c')} of 30`);
  });

  it('has nobody without members', () => {
    const balancer = rotation({});
    assert.equal(balancer.pick(), undefined);
    balancer.setMembers(members({ a: 1 }));
    assert.equal(balancer.pick(), 'a');
    balancer.setMembers([]);
    assert.equal(balancer.pick(), undefined);
  });

  it('is as exact wherever it begins, and begins anywhere', () => {
    const firsts = new Set<string | undefined>();
    for (let step = 0; step < 40; step += 1) {
      const balancer = new RoundRobin<string>(step / 40);
      balancer.setMembers([
        { endpoint: 'a', weight: 4 },
        { endpoint: 'b', weight: 1 },
      ]);
      const picked = Array.from({ length: 5 }, () => balancer.pick());
      assert.equal(picked.filter((name) => name === 'b').length, 1, `from ${step}`);
      firsts.add(picked[0]);
    }
    assert.deepEqual(firsts, new Set(['a', 'b']));
  });
});
