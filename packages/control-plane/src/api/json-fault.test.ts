import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { jsonFaultAt } from './json-fault.ts';
import { textPlace } from './text-place.ts';

const faults: [string, number][] = [
  ['', 0],
  ['  ', 2],
  ['{"a": hunter2}', 6],
  ['{"a":1,}', 7],
  ['{"a":1 "b":2}', 7],
  ['{a:1}', 1],
  ['{"a" 1}', 5],
  ['{"a":1', 6],
  ['{"a":"x', 5],
  ['[1 2]', 3],
  ['[1,]', 3],
  ['[1,2}', 4],
  [']', 0],
  ['{"a":1}x', 7],
  ['{"a":01}', 5],
  ['{"a":1.}', 5],
  ['{"a":tru}', 5],
  ['{"a":truer}', 5],
  ['"\\q"', 0],
  ['"\\u12g4"', 0],
  ['"\u0001"', 0],
  ["{'a':1}", 1],
  ['{1:2}', 1],
  ['[,1]', 1],
  ['NaN', 0],
];

describe('jsonFaultAt', () => {
  for (const [text, offset] of faults)
    it(`finds offset ${offset} of ${JSON.stringify(text)}`, () => {
      assert.throws(() => JSON.parse(text));
      assert.equal(jsonFaultAt(text), offset);
    });

  it('finds nothing but the end in any JSON, and the first fault in any that is spoilt', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, at, noise) => {
        assert.equal(jsonFaultAt(json), json.length);
        const cut = at % (json.length + 1);
        const spoilt = json.slice(0, cut) + noise + json.slice(cut);
        if (isJson(spoilt)) return;
        const fault = jsonFaultAt(spoilt);
        // What stands before the fault lacks nothing but its end.
        assert.equal(jsonFaultAt(spoilt.slice(0, fault)), fault);
      }),
    );
  });

  it('does not mind how deep or long the text is', () => {
    assert.equal(jsonFaultAt('['.repeat(300_000)), 300_000);
    assert.equal(jsonFaultAt(`["${'x'.repeat(1_000_000)}" 1]`), 1_000_004);
  });
});

describe('textPlace', () => {
  it('counts lines and columns from 1', () => {
    const text = 'ab\nc\n\nd';
    const places = [0, 1, 2, 3, 4, 5, 6, 7].map((offset) => textPlace(text, offset));
    assert.deepEqual(
      places.map((place) => place.replace('line ', '').replace(', column ', ':')),
      ['1:1', '1:2', '1:3', '2:1', '2:2', '3:1', '4:1', '4:2'],
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
