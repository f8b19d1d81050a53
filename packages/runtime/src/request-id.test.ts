import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRequestId } from './request-id.ts';

describe('createRequestId', () => {
  it('is 16 characters of base 32 that sort by time', () => {
    const earlier = createRequestId(1_700_000_000_000);
    const later = createRequestId(1_700_000_000_001);
    assert.match(earlier, /^[0-9a-hjkmnp-tv-z]{16}$/);
    assert.ok(earlier < later);
  });

  it('does not repeat itself', () => {
    let index = 0;
    const ids = new Set(Array.from({ length: 5000 }, () => createRequestId(1_700_000_000_000 + index++)));
    assert.equal(ids.size, 5000);
  });
});
