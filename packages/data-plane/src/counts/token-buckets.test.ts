import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Rate } from '@causeway/filters/rate-limit/buckets';

import { createTokenBuckets, TokenBuckets } from './token-buckets.ts';

const second = 1e9;

/** Buckets whose time stands still until it is moved. */
function stillBuckets(keysMax = 1000) {
  const time = { nowNs: 1e15 };
  const buckets = new TokenBuckets(createTokenBuckets(keysMax), () => time.nowNs);
  return { buckets, time, limit: buckets.limitId('l') };
}

const rateOf = (requests: number, perSeconds: number, capacity: number): Rate => ({
  intervalNs: (perSeconds * second) / requests,
  capacity,
});

/** How many of so many requests are let pass. */
function passed(
  { buckets, limit }: ReturnType<typeof stillBuckets>,
  rate: Rate,
  tries: number,
  key = 'k',
  cost = 1,
) {
  let count = 0;
  for (let n = 0; n < tries; n += 1) if (buckets.take(limit, key, rate, cost, cost) >= 0) count += 1;
  return count;
}

describe('token buckets', () => {
  const rates: [string, Rate][] = [
    ['1 a second', rateOf(1, 1, 1)],
    ['3 a second', rateOf(3, 1, 3)],
    ['7 a minute with a burst of 20', rateOf(7, 60, 20)],
    ['1 a day', rateOf(1, 86_400, 1)],
    ['100,000 an hour', rateOf(100_000, 3600, 100_000)],
    ['1,000,000 a second', rateOf(1_000_000, 1, 1_000_000)],
  ];
  for (const [what, rate] of rates)
    it(`hold ${what} to the token, and come back one by one`, () => {
      const fixture = stillBuckets();
      assert.equal(passed(fixture, rate, rate.capacity + 50), rate.capacity);
      fixture.time.nowNs += rate.intervalNs * 0.99;
      assert.equal(passed(fixture, rate, 5), 0);
      fixture.time.nowNs += rate.intervalNs * 0.02;
      assert.equal(passed(fixture, rate, 5), 1);
      const back = Math.min(rate.capacity, 10);
      fixture.time.nowNs += rate.intervalNs * back;
      assert.equal(passed(fixture, rate, back + 50), back);
      fixture.time.nowNs += rate.intervalNs * rate.capacity * 5;
      assert.equal(
        passed(fixture, rate, rate.capacity + 50),
        rate.capacity,
        'never more than a bucket holds',
      );
    });

  it('say when the bucket is full again, and how long to wait for a token', () => {
    const { buckets, limit } = stillBuckets();
    const rate = rateOf(10, 1, 2);
    assert.deepEqual(
      [1, 2, 3].map(() => buckets.take(limit, 'k', rate, 1, 1)),
      [0.1 * second, 0.2 * second, -0.1 * second],
    );
  });

  it('are told apart by key and by limit', () => {
    const fixture = stillBuckets();
    const rate = rateOf(1, 1, 1);
    assert.deepEqual([passed(fixture, rate, 3, 'a'), passed(fixture, rate, 3, 'b')], [1, 1]);
    const other = { ...fixture, limit: fixture.buckets.limitId('other') };
    assert.equal(passed(other, rate, 3, 'a'), 1);
  });

  it('take what a request costs, and nothing for one that is refused', () => {
    const fixture = stillBuckets();
    const rate = rateOf(10, 1, 10);
    assert.equal(passed(fixture, rate, 5, 'k', 4), 2);
    assert.equal(passed(fixture, rate, 5, 'k', 2), 1);
    assert.equal(passed(fixture, rate, 5), 0);
  });

  it('are charged afterwards, and owe no more than they hold', () => {
    const { buckets, limit, time } = stillBuckets();
    const rate = rateOf(1, 1, 10);
    assert.equal(buckets.take(limit, 'k', rate, 0, 1), 0, 'a look takes nothing');
    buckets.charge(limit, 'k', rate, 10_000);
    assert.ok(buckets.take(limit, 'k', rate, 0, 1) < 0);
    time.nowNs += 11 * second;
    assert.ok(buckets.take(limit, 'k', rate, 0, 1) >= 0);
  });

  it('go on sensibly when the numbers of their limit change', () => {
    const fixture = stillBuckets();
    assert.equal(passed(fixture, rateOf(10, 1, 10), 20), 10);
    assert.equal(passed(fixture, rateOf(100, 1, 100), 200), 0, 'the second that is owed is owed');
    fixture.time.nowNs += second / 2;
    assert.equal(passed(fixture, rateOf(100, 1, 100), 200), 50);
  });

  it('let back in soon whom a stricter limit had kept out for long', () => {
    const fixture = stillBuckets();
    const relaxed = rateOf(2, 1, 2);
    assert.equal(passed(fixture, rateOf(2, 3600, 2), 5), 2);
    assert.equal(passed(fixture, relaxed, 5), 0, 'it owes two buckets at most');
    fixture.time.nowNs += 1.6 * second;
    assert.equal(passed(fixture, relaxed, 5), 1);
    fixture.time.nowNs += 5 * second;
    assert.equal(passed(fixture, relaxed, 5), 2);
  });

  it('give the places of those that are full to others, and count those that had to go', () => {
    const fixture = stillBuckets(64);
    const rate = rateOf(1, 1, 1);
    for (let n = 0; n < 10_000; n += 1) {
      assert.equal(passed(fixture, rate, 1, `key ${n}`), 1);
      fixture.time.nowNs += second;
    }
    assert.equal(fixture.buckets.evicted, 0);
    for (let n = 0; n < 1000; n += 1) assert.equal(passed(fixture, rate, 1, `crowd ${n}`), 1);
    assert.ok(fixture.buckets.evicted > 800);
  });

  it('are exact over threads that all take from one bucket, from its first moment on', async () => {
    const memory = createTokenBuckets(1000);
    const go = new Int32Array(new SharedArrayBuffer(4));
    const threads = Array.from({ length: 4 }, () => {
      const workerData = { memory, go, tries: 20_000, capacity: 30_000 };
      return new Worker(new URL('../testing/take-in-thread.ts', import.meta.url), { workerData });
    });
    const results = threads.map(async (thread) => ((await once(thread, 'message')) as [number])[0]);
    Atomics.store(go, 0, 1);
    Atomics.notify(go, 0);
    const taken = (await Promise.all(results)).reduce((sum, each) => sum + each, 0);
    assert.equal(taken, 30_000);
  });
});
