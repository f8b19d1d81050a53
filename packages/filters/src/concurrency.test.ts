import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ConcurrencyFilter, type ConcurrencySettings, type Places } from './concurrency.ts';
import type { Refusal } from './filter.ts';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner, outcome } from './testing/fake-owner.ts';

class FakePlaces implements Places {
  readonly taken = new Map<string, number>();

  enter(key: string, max: number): object | undefined {
    const count = this.taken.get(key) ?? 0;
    if (count >= max) return undefined;
    this.taken.set(key, count + 1);
    return { key };
  }

  leave(place: object): void {
    const { key } = place as { key: string };
    this.taken.set(key, this.taken.get(key)! - 1);
  }

  get total(): number {
    return [...this.taken.values()].reduce((sum, each) => sum + each, 0);
  }
}

function start(settings: Partial<ConcurrencySettings> = {}) {
  const places = new FakePlaces();
  const time = { nowMs: 0 };
  const filter = new ConcurrencyFilter(
    'c',
    { id: 'r/c', max: 2, key: [{ kind: 'route' }], waitingMax: 0, waitMsMax: 1000, ...settings },
    { places, monotonicMs: () => time.nowMs },
  );
  const begin = (address = '203.0.113.1') => {
    const owner = new FakeOwner(new FilterChain([]));
    owner.clientAddress = address;
    const state = filter.createState();
    const verdict = filter.onRequestHead(owner, state);
    return { verdict, end: () => filter.onEnd(owner, outcome, state) };
  };
  return { places, time, begin };
}

describe('concurrency', () => {
  it('lets so many requests be under way, and the next one when one has ended', () => {
    const { begin, places } = start();
    const [first, second, third] = [begin(), begin(), begin()];
    assert.deepEqual(
      [first.verdict, second.verdict, (third.verdict as Refusal).reason],
      [undefined, undefined, 'overloaded'],
    );
    third.end();
    first.end();
    const fourth = begin();
    assert.equal(fourth.verdict, undefined);
    for (const each of [second, fourth, fourth]) each.end();
    assert.equal(places.total, 0);
  });

  it('counts each key by itself', () => {
    const { begin } = start({ max: 1, key: [{ kind: 'address' }] });
    assert.deepEqual([begin('192.0.2.1').verdict, begin('192.0.2.2').verdict], [undefined, undefined]);
    assert.equal((begin('192.0.2.1').verdict as Refusal).reason, 'overloaded');
  });

  it('lets some wait, in the order in which they came', async () => {
    const { begin, places } = start({ max: 1, waitingMax: 2 });
    const first = begin();
    const [second, third, fourth] = [begin(), begin(), begin()];
    assert.equal((fourth.verdict as Refusal).reason, 'overloaded');
    first.end();
    assert.equal(await second.verdict, undefined);
    // Who waits goes before who comes now.
    assert.ok(begin().verdict instanceof Promise);
    second.end();
    assert.equal(await third.verdict, undefined);
    third.end();
    assert.equal(places.taken.get('r/c =default/r'), 1, 'that of the one who came last');
  });

  it('keeps a queue for each key, so nobody waits in the place of others', async () => {
    const { begin, places } = start({ max: 1, waitingMax: 2, key: [{ kind: 'address' }] });
    const greedy = Array.from({ length: 9 }, () => begin('192.0.2.1'));
    assert.equal(greedy.filter(({ verdict }) => verdict instanceof Promise).length, 2);
    const [first, second] = [begin('192.0.2.2'), begin('192.0.2.2')];
    assert.ok(second.verdict instanceof Promise);
    first.end();
    assert.equal(await second.verdict, undefined);
    for (const { end } of [second, ...greedy]) end();
    assert.equal(places.total, 0);
  });

  it('lets ten thousand wait with all keys together (invariant 9)', () => {
    const { begin } = start({ max: 1, waitingMax: 5000, key: [{ kind: 'address' }] });
    const all = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].flatMap((address) =>
      Array.from({ length: 5001 }, () => begin(address)),
    );
    assert.equal(all.filter(({ verdict }) => verdict instanceof Promise).length, 10_000);
    for (const { end } of all) end();
  });

  it('refuses those who have waited too long, and forgets those who have left', async () => {
    const { begin, places, time } = start({ max: 1, waitingMax: 5 });
    const first = begin();
    const [late, gone] = [begin(), begin()];
    gone.end();
    time.nowMs = 1001;
    assert.equal(((await late.verdict) as Refusal).reason, 'overloaded');
    first.end();
    assert.equal(places.total, 0);
  });
});
