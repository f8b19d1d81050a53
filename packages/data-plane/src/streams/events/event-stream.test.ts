import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { keepAliveComment, retryField } from './event-stream.ts';
import { EventTracker } from './event-tracker.ts';

describe('what the node puts between events', () => {
  it('ends where something may be put again', () => {
    for (const bytes of [keepAliveComment, retryField(3000)]) {
      const tracker = new EventTracker();
      tracker.take(bytes);
      assert.equal(tracker.isBetween, true);
    }
  });

  it('tells a delay in whole milliseconds', () => {
    assert.equal(retryField(2500).toString(), 'retry: 2500\n\n');
    assert.equal(retryField(12.7).toString(), 'retry: 13\n\n');
    assert.equal(retryField(-1).toString(), 'retry: 0\n\n');
  });
});
