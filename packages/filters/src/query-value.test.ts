import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { queryValue } from './query-value.ts';

describe('queryValue', () => {
  it('gives the first value of a name, decoded to bytes', () => {
    assert.equal(queryValue('a=1&b=2&b=3', 'b'), '2');
    assert.equal(queryValue('b=%E2%82%AC+%2B', 'b'), '\u00e2\u0082\u00ac +');
    assert.equal(queryValue('%62=1', 'b'), '1');
    assert.equal(queryValue('b=x=y', 'b'), 'x=y');
  });

  it('tells an empty value from an absent one', () => {
    assert.equal(queryValue('b', 'b'), '');
    assert.equal(queryValue('b=', 'b'), '');
    assert.equal(queryValue('a=1', 'b'), undefined);
    assert.equal(queryValue('', 'b'), undefined);
    assert.equal(queryValue(undefined, 'b'), undefined);
  });

  it('leaves alone what is no escape', () => {
    assert.equal(queryValue('b=%zz%4', 'b'), '%zz%4');
  });
});
