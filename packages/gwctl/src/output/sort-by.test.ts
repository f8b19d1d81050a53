import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { sortBy } from './sort-by.ts';

const items = [{ n: 10, v: '10' }, { n: 9, v: '9' }, { v: 'x' }];

describe('--sort-by', () => {
  it('orders numbers by value, also those in text, and puts objects without the field last', () => {
    assert.deepEqual(sortBy('.n', items), [items[1], items[0], items[2]]);
    assert.deepEqual(sortBy('{.v}', items), [items[1], items[0], items[2]]);
  });

  it('changes nothing when it is not given', () => assert.equal(sortBy(undefined, items), items));

  it('refuses a field that no object has', () => {
    assert.throws(() => sortBy('.metadata.nmae', items), Failure);
    assert.deepEqual(sortBy('.metadata.nmae', []), []);
  });
});
