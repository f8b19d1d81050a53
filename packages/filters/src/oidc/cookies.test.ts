import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cookieBytesMax, joinSessions, pieceName, splitSession } from './cookies.ts';

const header = (values: readonly string[]): string =>
  ['a=1', ...values.map((value, index) => `${pieceName('s', index)}=${value}`)].join('; ');

const joined = (cookies: string | undefined): unknown[] => [...joinSessions(cookies, 's')];

describe('cookies of a session', () => {
  for (const length of [1, 4000, cookieBytesMax, 8000, 20_000])
    it(`hold ${length} characters in as many pieces as browsers take`, () => {
      const values = splitSession('s', () => 'x'.repeat(length))!;
      for (const [index, value] of values.entries())
        assert.ok(pieceName('s', index).length + value.length <= cookieBytesMax);
      assert.deepEqual(joined(header(values)), [{ count: values.length, sealed: 'x'.repeat(length) }]);
    });

  it('are sealed with how many there are', () => {
    const counts: number[] = [];
    splitSession('s', (count) => {
      counts.push(count);
      return 'x'.repeat(9000);
    });
    assert.deepEqual(counts, [0, 3]);
  });

  it('are none when they are too many, or not all there', () => {
    assert.equal(
      splitSession('s', () => 'x'.repeat(5 * cookieBytesMax)),
      undefined,
    );
    const values = splitSession('s', () => 'x'.repeat(9000))!;
    assert.deepEqual(joined(header(values.slice(0, 2))), []);
    for (const value of ['', 'x', '0.x', '6.x', '1.', 'x.x', '9999.x'])
      assert.deepEqual(joined(`s=${value}`), [], value);
    assert.deepEqual(joined(undefined), []);
    // Further pieces of a session of before are not looked at.
    assert.deepEqual(joined('s=1.x; s.1=old'), [{ count: 1, sealed: 'x' }]);
  });

  it('are put together in every way where a browser has several of a name, within a bound', () => {
    assert.deepEqual(joined('s=2.a; s.1=x; s=0; s=1.b; s.1=y'), [
      { count: 2, sealed: 'ax' },
      { count: 2, sealed: 'ay' },
      { count: 1, sealed: 'b' },
    ]);
    assert.equal(joined('s=1.a; '.repeat(9)).length, 4);
    assert.equal(joined('s=5.a; s.1=x; s.2=x; s.3=x; s.4=x; '.repeat(9)).length, 16);
  });
});
