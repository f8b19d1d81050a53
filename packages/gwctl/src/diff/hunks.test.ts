import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hunksOf, wholeLines } from './hunks.ts';
import { lineDiff } from './line-diff.ts';

function texts(before: unknown, after: unknown): string[] {
  return hunksOf(before, after).flatMap(({ pointer, lines }) => [
    `@@ ${pointer}`,
    ...lines.map(({ sign, text }) => sign + text),
  ]);
}

describe('hunks', () => {
  it('stand for the smallest field that differs', () => {
    assert.deepEqual(texts({ a: { b: 1, c: 2 }, d: 3 }, { d: 4, a: { c: 2, b: 1 } }), ['@@ /d', '-3', '+4']);
  });

  it('show lists as a whole, indented as under their key, whatever the order of fields', () => {
    const before = {
      backends: [
        { service: 'a', weight: 95 },
        { service: 'b', weight: 5 },
      ],
    };
    const after = {
      backends: [
        { weight: 75, service: 'a' },
        { weight: 5, service: 'b' },
      ],
    };
    assert.deepEqual(texts(before, after), [
      '@@ /backends',
      '   - service: a',
      '-    weight: 95',
      '+    weight: 75',
      '   - service: b',
      '     weight: 5',
    ]);
  });

  it('show what is on one side only', () => {
    assert.deepEqual(texts({ a: { x: 1 } }, { b: [] }), ['@@ /a', '-  x: 1', '@@ /b', '+[]']);
    assert.deepEqual(wholeLines({ a: [1] }, '+'), [
      { sign: '+', text: 'a:' },
      { sign: '+', text: '  - 1' },
    ]);
  });

  it('leave out what is far from a change', () => {
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    assert.deepEqual(texts({ a: numbers }, { a: numbers.with(10, 99) }), [
      '@@ /a',
      '   ...',
      '   - 7',
      '   - 8',
      '   - 9',
      '-  - 10',
      '+  - 99',
      '   - 11',
      '   - 12',
      '   - 13',
      '   ...',
    ]);
  });

  it('are none for equal values', () => assert.deepEqual(hunksOf({ a: [1] }, { a: [1] }), []));
});

describe('line diff', () => {
  it('finds the shortest edit', () => {
    const lines = lineDiff('abcabba'.split(''), 'cbabac'.split(''));
    assert.equal(lines.filter(({ sign }) => sign !== ' ').length, 5);
    assert.equal(
      lines
        .filter(({ sign }) => sign !== '+')
        .map(({ text }) => text)
        .join(''),
      'abcabba',
    );
    assert.equal(
      lines
        .filter(({ sign }) => sign !== '-')
        .map(({ text }) => text)
        .join(''),
      'cbabac',
    );
  });

  it('bounds its work by giving up on a short edit', () => {
    const before = Array.from({ length: 3000 }, (_, index) => `a${index}`);
    const after = before.map((text) => `b${text}`);
    assert.equal(lineDiff(before, after).length, 6000);
  });
});
