import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { KeyedTable } from './keyed-table.ts';
import { createSharedCounts, SharedCounts } from './shared-counts.ts';

function twoWorkers(keysMax = 100) {
  const memory = createSharedCounts(keysMax, 2);
  return {
    memory,
    one: new SharedCounts(memory, 0),
    two: new SharedCounts(memory, 1),
    keeper: new KeyedTable(memory),
  };
}

describe('counts that workers share', () => {
  it('hold a limit over all of them, and by key', () => {
    const { one, two } = twoWorkers();
    const key = one.keyOf('192.0.2.1');
    assert.deepEqual(key, two.keyOf('192.0.2.1'));
    assert.deepEqual([one.enter(key, 2), two.enter(key, 2), one.enter(key, 2)], [true, true, false]);
    assert.equal(two.enter(two.keyOf('192.0.2.2'), 1), true);
    two.leave(key);
    assert.deepEqual([one.enter(key, 2), two.enter(key, 2), one.count(key)], [true, false, 2]);
  });

  it('keep nothing of a worker that has ended', () => {
    const { one, two, keeper } = twoWorkers();
    const key = one.keyOf('k');
    for (const counts of [one, two, two]) assert.equal(counts.enter(key, 3), true);
    keeper.forget(1);
    assert.equal(one.count(key), 1);
  });

  it('free what nobody counts on, at the second sweep and not while somebody does', () => {
    const { one, two, keeper } = twoWorkers();
    const [kept, left] = [one.keyOf('kept'), one.keyOf('left')];
    one.enter(kept, 9);
    one.enter(left, 9);
    one.leave(left);
    keeper.sweep();
    assert.equal(keeper.size, 2);
    // Back in time.
    two.enter(left, 9);
    keeper.sweep();
    assert.deepEqual([keeper.size, one.count(left), one.count(kept)], [2, 1, 1]);
    two.leave(left);
    keeper.sweep();
    keeper.sweep();
    assert.deepEqual([keeper.size, one.count(left), one.count(kept)], [1, 0, 1]);
  });

  it('are swept part by part', () => {
    const { one, keeper } = twoWorkers(1000);
    for (let count = 0; count < 500; count += 1) {
      const key = one.keyOf(String(count));
      one.enter(key, 1);
      one.leave(key);
    }
    for (let sweeps = 0; sweeps < 16; sweeps += 1) keeper.sweep(16);
    assert.equal(keeper.size, 500);
    for (let sweeps = 0; sweeps < 8; sweeps += 1) keeper.sweep(16);
    assert.ok(keeper.size > 150 && keeper.size < 350, `${keeper.size} of the other half`);
    for (let sweeps = 0; sweeps < 8; sweeps += 1) keeper.sweep(16);
    assert.equal(keeper.size, 0);
  });

  it('have room for as many keys as was said, and refuse beyond what a bucket holds', () => {
    const { one, keeper } = twoWorkers(20_000);
    for (let count = 0; count < 20_000; count += 1)
      assert.equal(one.enter(one.keyOf(`2001:db8::${count}`), 1), true);
    assert.equal(keeper.size, 20_000);
    const small = twoWorkers(1);
    const entered = Array.from({ length: 100 }, (_, count) =>
      small.one.enter(small.one.keyOf(String(count)), 1),
    );
    assert.deepEqual([entered.filter(Boolean).length, small.keeper.size], [16, 16]);
  });

  it('are given the place of what nobody counts on, when a bucket is full', () => {
    const { one, two } = twoWorkers(1);
    const kept = one.keyOf('kept');
    two.enter(kept, 9);
    for (let count = 0; count < 100; count += 1) {
      const key = one.keyOf(String(count));
      assert.equal(one.enter(key, 1), true);
      one.leave(key);
    }
    assert.deepEqual([one.enter(kept, 1), one.enter(kept, 2), one.count(kept)], [false, true, 2]);
  });

  it('lose no place to a worker that ends while it takes one over', () => {
    const { one, two, keeper } = twoWorkers(1);
    const key = one.keyOf('k');
    two.enter(key, 1);
    const [entry] = keeper.entriesOf(key);
    two.leave(key);
    // As `takeOver` of the second worker leaves it half way.
    Atomics.store(keeper.words, entry! + 1, 3 + 1);
    assert.deepEqual([one.enter(key, 1), two.enter(key, 1), keeper.size], [true, false, 2]);
    one.leave(key);
    keeper.sweep();
    keeper.sweep();
    assert.equal(keeper.size, 1);
    keeper.forget(1);
    keeper.sweep();
    keeper.sweep();
    assert.equal(keeper.size, 0);
  });

  for (const keys of [24, 200])
    it(`are exact while threads count by ${keys} keys and a supervisor sweeps`, async (context) => {
      const workers = 3;
      const memory = createSharedCounts(8, workers);
      const ticks = new Int32Array(new SharedArrayBuffer(4 * workers));
      const held = new Int32Array(new SharedArrayBuffer(4 * keys));
      const max = 2;
      const code = new URL('../testing/count-in-thread.ts', import.meta.url);
      const threads = Array.from(
        { length: workers },
        (_, worker) => new Worker(code, { workerData: { memory, worker, ticks, rounds: 30_000, held, max } }),
      );
      const running = new Set(threads.keys());
      const ends = threads.map(async (thread, worker) => {
        const [exitCode] = await once(thread, 'exit');
        running.delete(worker);
        assert.equal(exitCode, 0);
      });
      const keeper = new KeyedTable(memory);
      let seen = [...ticks];
      let freed = 0;
      while (running.size > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        if ([...running].some((worker) => Atomics.load(ticks, worker) === seen[worker])) continue;
        const before = keeper.size;
        keeper.sweep();
        freed += Math.max(before - keeper.size, 0);
        seen = threads.map((_, worker) => Atomics.load(ticks, worker));
      }
      await Promise.all(ends);
      keeper.sweep();
      keeper.sweep();
      assert.equal(keeper.size, 0);
      context.diagnostic(`${freed} entries freed meanwhile`);
    });

  it('give the last place to one of those who ask for it at the same moment', async () => {
    const workers = 2;
    const rounds = 2000;
    const memory = createSharedCounts(8, workers);
    const turns = new Int32Array(new SharedArrayBuffer(4 * workers));
    const granted = new Int32Array(new SharedArrayBuffer(4 * rounds));
    const code = new URL('../testing/race-in-thread.ts', import.meta.url);
    const ends = Array.from({ length: workers }, (_, worker) =>
      once(new Worker(code, { workerData: { memory, worker, turns, granted } }), 'exit'),
    );
    assert.deepEqual(await Promise.all(ends), [[0], [0]]);
    assert.ok(granted.every((times) => times === 1));
  });
});
