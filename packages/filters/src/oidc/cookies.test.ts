import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cookieBytesMax, joinSession, pieceName, splitSession } from './cookies.ts';

const header = (values: readonly string[]): string =>
  ['a=1', ...values.map((value, index) => `${pieceName('s', index)}=${value}`)].join('; ');

describe('cookies of a session', () => {
  for (const length of [1, 4000, cookieBytesMax, 8000, 20_000])
    it(`hold ${length} characters in as many pieces as browsers take`, () => {
      const values = splitSession('s', () => 'x'.repeat(length))!;
      for (const [index, value] of values.entries())
        assert.ok(pieceName('s', index).length + value.length <= cookieBytesMax);
      assert.deepEqual(joinSession(header(values), 's'), {
        count: values.length,
        sealed: 'x'.repeat(length),
      });
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
    assert.equal(joinSession(header(values.slice(0, 2)), 's'), undefined);
    for (const value of ['', 'x', '0.x', '6.x', '1.', 'x.x', '9999.x'])
      assert.equal(joinSession(`s=${value}`, 's'), undefined, value);
    assert.equal(joinSession(undefined, 's'), undefined);
    // Further pieces of a session of before are not looked at.
    assert.deepEqual(joinSession('s=1.x; s.1=old', 's'), { count: 1, sealed: 'x' });
  });
});
