import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { checkFields } from './filtered-fields.ts';

// A value that no parser would have let in shows what is looked at.
const before = ['a', '1', 'server', 'x', 'b', '2\u0000', 'c', '3'];

describe('fields that filters have changed', () => {
  it('are checked where they are others than before, wherever those now stand', () => {
    checkFields(before, before);
    checkFields(['a', '1', 'b', '2\u0000', 'c', '3'], before);
    checkFields(['n', 'new', 'a', '1', 'b', '2\u0000', 'c', '3', 'm', 'more'], before);
    for (const wrong of [
      ['a', '1', 'b', '2\u0000', 'b', '2\u0000'],
      ['c', '3', 'b', '2\u0000'],
      ['a', '1', 'n', '\r\nx: y'],
      ['content-length', '1'],
      ['a', '1', 'server', '2\u0000'],
    ])
      assert.throws(() => checkFields(wrong, before), String(wrong));
  });
});
