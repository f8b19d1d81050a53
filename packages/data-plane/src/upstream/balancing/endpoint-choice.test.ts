import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ChoiceFixture } from '../../testing/choice-fixture.ts';
import { fakeRequest } from '../../testing/choice-requests.ts';
import { chiSquare, chiSquareLimit } from '../../testing/distribution.ts';
import type { BalancingPolicy } from './balancing-settings.ts';

const ids = ['e-1', 'e-2', 'e-3', 'e-4'];
const plain = ids.map((id) => ({ id }));
const hash = { kind: 'header', name: 'x-user' } as const;
const user = (count: number) => fakeRequest({ 'x-user': `user-${count}` }).request;

describe('every policy', () => {
  const weights = [1, 2, 3, 4];
  const weighted = ids.map((id, index) => ({ id, weight: weights[index]! }));

  for (const policy of ['roundRobin', 'random', 'leastRequest', 'peakEwma', 'first'] as const)
    it(`${policy} spreads by weight, over 100,000 picks`, () => {
      const counts = new ChoiceFixture({ policy }, weighted).count(100_000);
      const found = chiSquare(
        ids.map((id) => counts[id] ?? 0),
        weights,
      );
      assert.ok(found < chiSquareLimit(3), `chi-square ${found}`);
    });

  it('consistentHash spreads many keys by weight, over 100,000 picks', () => {
    const counts = new ChoiceFixture({ policy: 'consistentHash', hash }, weighted).count(100_000, user);
    for (const [index, id] of ids.entries())
      assert.ok(Math.abs(counts[id]! / 100_000 - weights[index]! / 10) < 0.01, JSON.stringify(counts));
  });

  for (const policy of [
    'roundRobin',
    'random',
    'leastRequest',
    'peakEwma',
    'consistentHash',
    'first',
  ] as const)
    it(`${policy} leaves out who is ill, ejected or without weight, and has nobody when all are`, () => {
      const fixture = new ChoiceFixture(settingsOf(policy), [...plain, { id: 'e-5', weight: 0 }]);
      fixture.setHealth('e-1', false);
      fixture.eject('e-2');
      const counts = fixture.count(2000, user);
      assert.deepEqual(Object.keys(counts).toSorted(), ['e-3', 'e-4']);
      fixture.setHealth('e-3', false);
      fixture.setHealth('e-4', false);
      assert.equal(fixture.pick(user(1)), undefined);
      fixture.setHealth('e-1', true);
      assert.equal(fixture.pick(user(1)), 'e-1');
    });

  for (const policy of [
    'roundRobin',
    'random',
    'leastRequest',
    'peakEwma',
    'consistentHash',
    'first',
  ] as const)
    it(`${policy} gives a request that failed to another endpoint while there is one`, () => {
      const fixture = new ChoiceFixture(settingsOf(policy), plain);
      for (let count = 0; count < 200; count += 1) {
        const tried: string[] = [];
        for (let tries = 0; tries < 4; tries += 1) tried.push(fixture.pick(user(count), tried)!);
        assert.deepEqual(tried.toSorted(), ids);
        assert.ok(ids.includes(fixture.pick(user(count), tried)!), 'then to one that had it');
      }
    });

  function settingsOf(policy: BalancingPolicy) {
    return policy === 'consistentHash' ? { policy, hash } : { policy };
  }
});

describe('a rotation', () => {
  for (const policy of ['roundRobin', 'first', 'consistentHash'] as const)
    it(`of ${policy} is no further when a bad endpoint had its request tried again`, () => {
      for (const size of [2, 3, 4]) {
        const fixture = new ChoiceFixture({ policy }, plain.slice(0, size));
        const firsts: Record<string, number> = {};
        const agains: Record<string, number> = {};
        for (let count = 0; count < 60 * size; count += 1) {
          const first = fixture.pick()!;
          firsts[first] = (firsts[first] ?? 0) + 1;
          if (first !== 'e-1') continue;
          const again = fixture.pick(undefined, [first])!;
          agains[again] = (agains[again] ?? 0) + 1;
        }
        assert.deepEqual(
          Object.values(firsts),
          Array.from({ length: size }, () => 60),
        );
        const others = Array.from({ length: size - 1 }, () => 60 / (size - 1));
        assert.deepEqual(Object.values(agains), others, 'and the others share what was tried again');
      }
    });

  it('of further tries goes over those that are there at the moment', () => {
    const fixture = new ChoiceFixture({}, plain.slice(0, 2));
    assert.equal(fixture.pick(undefined, ['e-1']), 'e-2');
    fixture.set(plain.slice(2));
    const again = Array.from({ length: 4 }, () => fixture.pick(undefined, ['e-3']));
    assert.deepEqual(again, ['e-4', 'e-4', 'e-4', 'e-4']);
  });
});

describe('leastRequest', () => {
  it('counts what other workers have in flight', () => {
    const fixture = new ChoiceFixture({ policy: 'leastRequest' }, plain.slice(0, 2));
    fixture.addActiveElsewhere('e-1', 1);
    const counts = fixture.count(1000);
    assert.ok(counts['e-2']! > 950, JSON.stringify(counts));
  });
});

describe('consistentHash', () => {
  it('goes in turn for requests without a value', () => {
    const fixture = new ChoiceFixture({ policy: 'consistentHash', hash }, plain);
    assert.deepEqual(
      fixture.count(400, () => fakeRequest().request),
      {
        'e-1': 100,
        'e-2': 100,
        'e-3': 100,
        'e-4': 100,
      },
    );
  });

  it('moves the keys of one that is ill and no others, and brings them back', () => {
    const fixture = new ChoiceFixture({ policy: 'consistentHash', hash }, plain);
    const before = Array.from({ length: 5000 }, (_, count) => fixture.pick(user(count)));
    fixture.setHealth('e-3', false);
    for (const [count, id] of before.entries()) {
      const now = fixture.pick(user(count));
      if (id === 'e-3') assert.notEqual(now, id);
      else assert.equal(now, id);
    }
    fixture.setHealth('e-3', true);
    for (const [count, id] of before.entries()) assert.equal(fixture.pick(user(count)), id);
  });

  it('with a bound gives nobody more than its share of the mean, and keeps keys otherwise', () => {
    const bounded = { policy: 'consistentHash', hash, boundedLoadPercent: 125 } as const;
    const fixture = new ChoiceFixture(bounded, plain);
    const busy = fixture.pick(user(1))!;
    assert.equal(fixture.pick(user(1)), busy);
    for (const id of ids) fixture.addActiveElsewhere(id, 10);
    assert.equal(fixture.pick(user(1)), busy, 'ten of forty are no more than the mean');
    fixture.addActiveElsewhere(busy, 5);
    const other = fixture.pick(user(1))!;
    assert.notEqual(other, busy, '16 are more than 1.25 x 46 / 4');
    assert.equal(fixture.pick(user(1)), other);
    // One key alone: all of it would go to one endpoint.
    const hot = new ChoiceFixture(bounded, plain);
    const active: Record<string, number> = {};
    for (let count = 1; count <= 400; count += 1) {
      const id = hot.pick(user(7))!;
      hot.addActiveElsewhere(id, 1);
      active[id] = (active[id] ?? 0) + 1;
      assert.ok(active[id] <= Math.ceil((1.25 * count) / 4), `${active[id]} of ${count}`);
    }
  });
});

describe('first', () => {
  it('goes to the next group when nobody of the best is well, and back', () => {
    const groups = [{ id: 'a' }, { id: 'b' }, { id: 'c', priority: 1 }, { id: 'd', priority: 2 }];
    const fixture = new ChoiceFixture({ policy: 'first' }, groups);
    assert.deepEqual(fixture.count(10), { a: 5, b: 5 });
    fixture.setHealth('a', false);
    assert.deepEqual(fixture.count(10), { b: 10 });
    fixture.eject('b');
    assert.deepEqual(fixture.count(10), { c: 10 });
    assert.equal(fixture.pick(undefined, ['c']), 'd', 'a retry may go further');
    fixture.setHealth('a', true);
    assert.deepEqual(fixture.count(10), { a: 10 });
  });
});

describe('zones and panic', () => {
  it('prefers the zone, spills over and comes back', () => {
    const zoned = [...plain.map(({ id }) => ({ id, zone: 'here' })), { id: 'far', zone: 'there' }];
    const fixture = new ChoiceFixture({ prefersZone: true, spillPercent: 70 }, zoned, 'here');
    assert.equal(fixture.count(400)['far'], undefined);
    fixture.setHealth('e-1', false);
    assert.equal(fixture.count(300)['far'], undefined, '75 percent are well');
    fixture.setHealth('e-2', false);
    assert.equal(fixture.count(300)['far'], 100);
    fixture.setHealth('e-2', true);
    assert.equal(fixture.count(300)['far'], undefined);
  });

  it('ignores health in a panic', () => {
    const fixture = new ChoiceFixture({ panicPercent: 50 }, plain);
    for (const id of ['e-1', 'e-2']) fixture.setHealth(id, false);
    assert.deepEqual(Object.keys(fixture.count(40)).toSorted(), ['e-3', 'e-4']);
    fixture.setHealth('e-3', false);
    assert.deepEqual(Object.keys(fixture.count(40)).toSorted(), ids);
  });
});

describe('slow start', () => {
  const slow = { slowStartMs: 10_000 };

  it('lets a newcomer grow from a tenth of its weight to all of it', () => {
    const fixture = new ChoiceFixture(slow, plain.slice(0, 2));
    assert.deepEqual(fixture.count(10), { 'e-1': 5, 'e-2': 5 }, 'the first ones are whole');
    fixture.set(plain.slice(0, 3));
    const shares: number[] = [];
    for (; fixture.nowMs <= 11_000; fixture.nowMs += 1000) shares.push(fixture.count(21_000)['e-3']!);
    assert.deepEqual(
      shares,
      shares.toSorted((one, other) => one - other),
    );
    assert.ok(Math.abs(shares[0]! - 1000) < 20, `${shares[0]} of 21000`);
    assert.ok(Math.abs(shares[5]! - 4200) < 20, `${shares[5]} half way`);
    assert.ok(Math.abs(shares.at(-1)! - 7000) < 2, `${shares.at(-1)} in the end`);
  });

  it('is for one that is well again, too, and for random choice as well', () => {
    const fixture = new ChoiceFixture({ ...slow, policy: 'random' }, plain.slice(0, 2));
    fixture.setHealth('e-2', false);
    fixture.pick();
    fixture.nowMs = 5000;
    fixture.setHealth('e-2', true);
    const counts = fixture.count(11_000);
    assert.ok(Math.abs(counts['e-2']! - 1000) < 150, JSON.stringify(counts));
    fixture.nowMs = 15_000;
    assert.ok(Math.abs(fixture.count(10_000)['e-2']! - 5000) < 250);
  });
});
