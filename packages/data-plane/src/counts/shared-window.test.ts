import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { createSharedRecords, SharedRecords } from './shared-records.ts';
import { SharedWindow, windowWords } from './shared-window.ts';

const windowMs = 1000;

function twoThreads(ofMs = windowMs) {
  const layout = { commonWords: windowWords(2), ownWords: 0 };
  const memory = createSharedRecords(1, 2, layout);
  const windowOf = (thread: number) =>
    new SharedWindow(new SharedRecords(memory, thread).open('s'), 0, 2, ofMs);
  return { memory, one: windowOf(0), two: windowOf(1) };
}

describe('SharedWindow', () => {
  it('sums what all threads counted, each series for itself', () => {
    const { one, two } = twoThreads();
    one.add(0, 2, 0);
    two.add(0, 3, 150);
    two.add(1, 7, 150);
    assert.deepEqual([one.sum(0, 150), two.sum(0, 999), one.sum(1, 999)], [5, 5, 7]);
  });

  it('forgets a bucket when it is a window old, and not before', () => {
    const { one } = twoThreads();
    one.add(0, 1, 50);
    one.add(0, 1, 950);
    assert.deepEqual(
      [950, 999, 1000, 1899, 1900].map((nowMs) => one.sum(0, nowMs)),
      [2, 2, 1, 1, 0],
    );
  });

  it('takes back what was just added, and never goes below 0', () => {
    const { one } = twoThreads();
    one.add(0, 2, 0);
    one.add(0, -1, 0);
    assert.equal(one.sum(0, 0), 1);
    one.add(0, -5, 0);
    assert.equal(one.sum(0, 0), 0);
  });

  it('is empty after a pause of any length', () => {
    // Ticks are known by their lowest 10 bits, and their places in the ring come again after 10: both agree after 5120 ticks.
    for (const ticks of [10, 1024, 5120, 10_240]) {
      const { one } = twoThreads();
      one.add(0, 9, 0);
      assert.equal(one.sum(0, ticks * 100), 0, `read after ${ticks}`);
      one.add(0, 1, ticks * 100);
      assert.equal(one.sum(0, ticks * 100), 1, `added after ${ticks}`);
    }
  });

  it('counts what a thread adds that is a moment behind', () => {
    const { one, two } = twoThreads();
    one.add(0, 1, 300);
    two.add(0, 1, 299);
    assert.equal(one.sum(0, 300), 2);
  });

  it('goes on when the clock of 32 bits begins anew', () => {
    const { one } = twoThreads();
    one.add(0, 4, -1);
    one.add(0, 1, 0);
    assert.deepEqual([one.sum(0, 0), one.sum(0, 900)], [1, 1]);
  });

  it('counts up to four million in a bucket, and then no further', () => {
    const { one } = twoThreads();
    one.add(0, 4_194_303, 0);
    one.add(0, 1, 0);
    one.add(0, 2, 100);
    assert.equal(one.sum(0, 100), 4_194_305);
  });

  it('is cleared whole', () => {
    const { one, two } = twoThreads();
    one.add(0, 1, 0);
    one.add(1, 1, 500);
    two.clear();
    assert.deepEqual([one.sum(0, 500), one.sum(1, 500)], [0, 0]);
  });

  it('is exact while threads count at once, over the ends of buckets', async () => {
    const rounds = 50_000;
    const { memory, one } = twoThreads(2 ** 30);
    const code = new URL('../testing/count-in-window.ts', import.meta.url);
    const threads = [0, 1].map(
      (thread) => new Worker(code, { workerData: { memory, thread, rounds, windowMs: 2 ** 30 } }),
    );
    const ends = await Promise.all(threads.map((thread) => once(thread, 'exit')));
    assert.deepEqual(ends, [[0], [0]]);
    assert.deepEqual([one.sum(0, 5 * 2 ** 27), one.sum(1, 5 * 2 ** 27)], [2 * rounds, 2 * rounds]);
  });
});
