import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overlay } from './overlay.ts';

const entry = (text: string) => ({
  name: text[0] === '-' ? text.slice(1, 2) : text.slice(0, 1),
  isRemoval: text[0] === '-',
  text,
});
const laid = (...lists: string[]): string =>
  overlay(...lists.map((list) => list.split(' ').filter(Boolean).map(entry)))
    .map(({ text }) => text)
    .join(' ');

describe('overlay', () => {
  it('keeps the order of entries that have a name of their own', () => {
    assert.equal(laid('a b', 'c d'), 'a b c d');
    assert.equal(laid(), '');
  });

  it('puts an entry in the place of the one that had its name', () => {
    assert.equal(laid('a1 b1 c1', 'b2'), 'a1 b2 c1');
    assert.equal(laid('a1 b1 a2'), 'a2 b1');
  });

  it('removes by name, and lets what comes later stand again', () => {
    assert.equal(laid('a1 b1', '-a'), 'b1');
    assert.equal(laid('a1 b1', '-a a2'), 'b1 a2');
    assert.equal(laid('-x a1', '-y'), 'a1');
  });
});
