import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyedTable } from './keyed-table.ts';
import { createSharedRecords, SharedRecords } from './shared-records.ts';

function twoThreads(keysMax = 100) {
  const memory = createSharedRecords(keysMax, 2, { commonWords: 2, ownWords: 1 });
  return {
    one: new SharedRecords(memory, 0),
    two: new SharedRecords(memory, 1),
    keeper: new KeyedTable(memory),
  };
}

describe('records that threads share', () => {
  it('are the same to all of them, and another for another key', () => {
    const { one, two } = twoThreads();
    const [mine, theirs, other] = [one.open('a'), two.open('a'), two.open('b')];
    mine.store(1, 7);
    assert.deepEqual([theirs.add(1, 2), mine.load(1), other.load(1), mine.load(0)], [7, 9, 0, 0]);
    assert.deepEqual([theirs.compareExchange(1, 7, 1), theirs.compareExchange(1, 9, 1)], [false, true]);
    assert.equal(mine.load(1), 1);
  });

  it('sum what each has of its own, and forget what an ended worker had', () => {
    const { one, two, keeper } = twoThreads();
    const [mine, theirs] = [one.open('a'), two.open('a')];
    mine.addOwn(0, 3);
    theirs.addOwn(0, 4);
    assert.deepEqual([mine.own(0), theirs.own(0), mine.sum(0)], [3, 4, 7]);
    keeper.forget(1);
    assert.equal(mine.sum(0), 3);
  });

  it('stay while somebody holds them, and are empty for whoever comes after', () => {
    const { one, two, keeper } = twoThreads();
    const [mine, theirs] = [one.open('a'), two.open('a')];
    mine.store(0, 5);
    mine.addOwn(0, 1);
    mine.close();
    for (let sweeps = 0; sweeps < 3; sweeps += 1) keeper.sweep();
    assert.equal(theirs.load(0), 5);
    theirs.close();
    for (let sweeps = 0; sweeps < 3; sweeps += 1) keeper.sweep();
    assert.equal(keeper.size, 0);
    const again = one.open('a');
    assert.deepEqual([again.load(0), again.own(0)], [0, 0]);
  });

  it('are of one thread alone where there is no room', () => {
    const { one, two } = twoThreads(1);
    const held = Array.from({ length: 16 }, (_, count) => one.open(String(count)));
    const [mine, theirs] = [one.open('more'), two.open('more')];
    mine.store(0, 1);
    mine.addOwn(0, 2);
    assert.deepEqual([mine.load(0), mine.sum(0), theirs.load(0), held[0]!.load(0)], [1, 2, 0, 0]);
  });
});
