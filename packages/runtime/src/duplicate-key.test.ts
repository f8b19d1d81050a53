import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duplicateKey } from './duplicate-key.ts';

const cases: [string, string | undefined][] = [
  ['{}', undefined],
  ['{"a":1,"b":2}', undefined],
  ['{"a":1,"a":1}', 'a'],
  ['{"a":1,"b":{"a":1}}', undefined],
  ['{"a":{"b":1,"c":{"d":1},"b":2}}', 'b'],
  ['[{"a":1},{"a":1}]', undefined],
  ['[{"a":1},{"a":1,"a":2}]', 'a'],
  ['{"a":["a","a",{"x":"a"}],"x":"a"}', undefined],
  ['{"a":"}{,\\"a\\":1","b":1}', undefined],
  ['{"a\\\\":1,"a":1}', undefined],
  ['{"a":1,"\\u0061":1}', 'a'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['{"constructor":1,"hasOwnProperty":2}', undefined],
  ['{ "a" : [ 1 , 2 ] , "b" : { } , "a" : null }', 'a'],
  ['"a"', undefined],
  ['{"a":[[{}],[{"b":1,"b":2}]]}', 'b'],
];

describe('duplicateKey', () => {
  for (const [text, expected] of cases)
    it(`finds ${expected ?? 'nothing'} in ${text}`, () => assert.equal(duplicateKey(text), expected));

  it('does not mind how deep or long the text is', () => {
    assert.equal(duplicateKey('['.repeat(200_000) + ']'.repeat(200_000)), undefined);
    assert.equal(duplicateKey(`{"a":"${'x'.repeat(1_000_000)}","a":1}`), 'a');
  });
});
