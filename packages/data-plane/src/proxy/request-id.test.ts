import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createRequestId, isAcceptableRequestId } from './request-id.ts';

describe('createRequestId', () => {
  it('is 16 lower-case characters, unique, and sorts by time', () => {
    const ids = Array.from({ length: 5000 }, (_, index) =>
      createRequestId(1_790_000_000_000 + Math.floor(index / 10)),
    );
    for (const id of ids) assert.match(id, /^[0-9a-hjkmnp-tv-z]{16}$/);
    assert.equal(new Set(ids).size, ids.length);
    const times = ids.map((id) => id.slice(0, 10));
    assert.deepEqual(times, times.toSorted());
    assert.equal(createRequestId(0).slice(0, 10), '0000000000');
  });
});

describe('isAcceptableRequestId', () => {
  it('takes bounded visible text alone', () => {
    for (const text of ['a', '01kamxq5p1n9t4z7', 'a'.repeat(128)]) assert.ok(isAcceptableRequestId(text));
    for (const text of ['', 'a b', 'a"b', 'a\\b', 'é', 'a'.repeat(129), 'a\n'])
      assert.ok(!isAcceptableRequestId(text));
  });
});
