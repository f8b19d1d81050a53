import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isAcceptableRequestId } from './request-id.ts';

describe('isAcceptableRequestId', () => {
  it('takes bounded visible text alone', () => {
    for (const text of ['a', '01kamxq5p1n9t4z7', 'a'.repeat(128)]) assert.ok(isAcceptableRequestId(text));
    for (const text of ['', 'a b', 'a"b', 'a\\b', 'é', 'a'.repeat(129), 'a\n'])
      assert.ok(!isAcceptableRequestId(text));
  });
});
