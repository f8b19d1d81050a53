import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';

import { countPicks } from '../../testing/distribution.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { buildMaglev, keyHash, maglevSize } from './maglev.ts';

const keys = Array.from({ length: 100_000 }, (_, count) => keyHash(`user-${count}`));
const membersOf = (ids: readonly string[], weight = 1) =>
  ids.map((id) => ({ endpoint: endpointOf(id), weight }));
const known = new Map<string, { id: string }>();

/** The same object for the same id. */
function endpointOf(id: string): { id: string } {
  const endpoint = known.get(id) ?? { id };
  known.set(id, endpoint);
  return endpoint;
}

function hashOver(ids: readonly string[]): ConsistentHash<{ id: string }> {
  const hash = new ConsistentHash<{ id: string }>();
  hash.setMembers(membersOf(ids));
  return hash;
}

const four = ['e-1', 'e-2', 'e-3', 'e-4'];
const anyone = (): boolean => true;

describe('ConsistentHash', () => {
  it('spreads keys evenly, and by weight', () => {
    const hash = hashOver(four);
    const even = countPicks(keys.length, (count) => hash.find(keys[count]!, anyone)!.id);
    for (const id of four) assert.ok(Math.abs(even.get(id)! / keys.length - 1 / 4) < 0.01);
    const weights = [1, 2, 3, 14];
    hash.setMembers(four.map((id, index) => ({ endpoint: endpointOf(id), weight: weights[index]! })));
    const weighted = countPicks(keys.length, (count) => hash.find(keys[count]!, anyone)!.id);
    for (const [index, id] of four.entries())
      assert.ok(Math.abs(weighted.get(id)! / keys.length - weights[index]! / 20) < 0.01);
  });

  it('moves at most 30 % of the keys when one of four goes, and those of the others hardly', () => {
    for (const gone of four) {
      const [before, after] = [hashOver(four), hashOver(four.filter((id) => id !== gone))];
      const moved = keys.filter((key) => before.ownerOf(key) !== after.ownerOf(key));
      assert.ok(moved.length < 0.3 * keys.length, `${gone}: ${moved.length}`);
      const needless = moved.filter((key) => before.ownerOf(key)!.id !== gone);
      assert.ok(needless.length < 0.05 * keys.length, `${gone}: ${needless.length} needlessly`);
    }
  });

  it('moves the keys of one that is ill, and no others, to several', () => {
    const hash = hashOver(four);
    const isWell = ({ id }: { id: string }): boolean => id !== 'e-2';
    const took = new Set<string>();
    for (const key of keys) {
      const owner = hash.ownerOf(key)!;
      const found = hash.find(key, isWell)!;
      if (owner.id !== 'e-2') assert.equal(found, owner);
      else took.add(found.id);
    }
    assert.deepEqual([...took].toSorted(), ['e-1', 'e-3', 'e-4']);
  });

  it('says so when nobody near is to be had', () => {
    assert.equal(
      hashOver(four).find(1, () => false),
      undefined,
    );
    assert.equal(hashOver([]).find(1, anyone), undefined);
    assert.equal(new ConsistentHash().ownerOf(1), undefined);
  });

  it('builds a large table beside the traffic, which goes on with the one before', async () => {
    const hash = hashOver(four);
    const many = Array.from({ length: 1000 }, (_, index) => `e-${index}`);
    hash.setMembers(membersOf(many.slice(0, 500)));
    assert.ok(four.includes(hash.ownerOf(7)!.id));
    // Overtaken before it is done.
    hash.setMembers(membersOf(many));
    await hash.ready();
    assert.equal(new Set(keys.map((key) => hash.ownerOf(key)!.id)).size, 1000);
  });
});

describe('Maglev tables', () => {
  it('are the same whatever the order of the members', () => {
    const [some, others] = [membersOf(four), membersOf(four.toReversed())].map((members) =>
      runAtOnce(buildMaglev(members)),
    );
    assert.deepEqual(some, others);
  });

  it('have sizes that are prime and enough', () => {
    for (const members of [1, 20, 21, 81, 327, 328, 1310, 1311, 100_000]) {
      const size = maglevSize(members);
      for (let divisor = 2; divisor * divisor <= size; divisor += 1) assert.notEqual(size % divisor, 0);
      assert.ok(size >= Math.min(50 * members, 262_139));
    }
  });
});
