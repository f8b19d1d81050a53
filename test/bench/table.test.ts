import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './table.ts';

test('columns are as wide as their widest cell, without trailing blanks', () => {
  const table = formatTable(
    ['proxy', 'us'],
    [
      ['a', '1'],
      ['longest', '100'],
      ['b', ''],
    ],
  );
  assert.equal(table, ['proxy      us', 'a           1', 'longest   100', 'b'].join('\n'));
});
