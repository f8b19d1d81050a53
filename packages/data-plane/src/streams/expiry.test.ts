import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { Expiry } from './expiry.ts';

describe('an admission that expires', () => {
  const startMs = Date.UTC(2026, 0, 1);

  it('is over at its time, and after the grace', () => {
    for (const graceMs of [0, 5000]) {
      const clock = new ManualClock();
      const expiry = new Expiry(clock, { expiresAtMs: startMs + 1000, renew: () => false }, graceMs);
      clock.advance(999 + graceMs);
      assert.equal(expiry.isOver(), false);
      clock.advance(1);
      assert.equal(expiry.isOver(), true);
    }
  });

  it('has the grace for each of those that let it in: asked is who had expired when it began', () => {
    const clock = new ManualClock();
    const asked: number[] = [];
    const admission = {
      expiresAtMs: startMs + 1000,
      renew(wallMs: number): boolean {
        asked.push(wallMs - startMs);
        admission.expiresAtMs = startMs + 3000;
        return true;
      },
    };
    const expiry = new Expiry(clock, admission, 5000);
    clock.advance(6000);
    assert.equal(expiry.isOver(), false);
    clock.advance(1999);
    assert.equal(expiry.isOver(), false);
    assert.deepEqual(asked, [1000]);
  });

  it('is looked at when it expires, and twice a minute at least', () => {
    const clock = new ManualClock();
    const lookOf = (inMs: number): number =>
      new Expiry(clock, { expiresAtMs: startMs + inMs, renew: () => false }, 0).nextLookMs();
    assert.deepEqual(
      [lookOf(-5), lookOf(0), lookOf(1000), lookOf(30_000), lookOf(10_000_000)],
      [0, 0, 1000, 30_000, 30_000],
    );
  });
});
