import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EndedLogins } from './login-services.ts';

describe('EndedLogins', () => {
  it('tells those that still matter', () => {
    let nowMs = 0;
    const ended = new EndedLogins(() => nowMs, [{ session: 'a', endsAtMs: 10 }]);
    ended.add({ session: 'b', endsAtMs: 20 });
    assert.deepEqual([ended.has('a'), ended.has('b'), ended.has('c')], [true, true, false]);
    nowMs = 10;
    assert.deepEqual(ended.list(), [{ session: 'b', endsAtMs: 20 }]);
    assert.ok(!ended.has('a'));
  });

  it('forgets the oldest when they are too many', () => {
    const ended = new EndedLogins(() => 0);
    for (let count = 0; count <= 20_000; count += 1) ended.add({ session: `${count}`, endsAtMs: 1 });
    assert.deepEqual([ended.has('0'), ended.has('1'), ended.has('20000')], [false, true, true]);
  });
});
