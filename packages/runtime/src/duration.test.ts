import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  it('are read with any units in a row', () => {
    const cases = { '250ms': 250, '10s': 10_000, '1h30m': 5_400_000, '90d': 7_776_000_000, '0s': 0 };
    for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
  });

  it('are refused without a unit, with a sign, a fraction, a space, or too long', () => {
    for (const text of ['', '10', '-1s', '1.5s', '1 s', 's', '1s2', 'x1s', '1S', `${'0'.repeat(32)}1s`]) {
      assert.equal(parseDuration(text), undefined, text);
    }
    assert.equal(parseDuration('99999999999999999d'), undefined);
  });

  it('are written in the shortest form, which reads back', () => {
    for (const text of ['0s', '1ms', '1m30s', '1h', '90d', '1d1h1m1s1ms']) {
      assert.equal(formatDuration(parseDuration(text) ?? -1), text);
    }
  });
});
