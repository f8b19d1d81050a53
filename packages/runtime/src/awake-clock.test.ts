import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { awakeClock } from './awake-clock.ts';
import { ManualClock } from './manual-clock.ts';

describe('awakeClock', () => {
  it('goes with its clock, but for gaps of a second or more', () => {
    const clock = new ManualClock();
    clock.advance(500);
    const awake = awakeClock(clock);
    const startMs = awake.monotonicMs();
    const seen = [999, 60_000, 1, 1000, 200].map((gapMs) => {
      clock.advance(gapMs);
      return awake.monotonicMs() - startMs;
    });
    assert.deepEqual(seen, [999, 999, 1000, 1000, 1200]);
    assert.equal(awake.wallMs(), clock.wallMs());
  });

  it('has the timers of its clock', async () => {
    const clock = new ManualClock();
    const awake = awakeClock(clock);
    const fired: string[] = [];
    const cancel = awake.after(10, () => fired.push('cancelled'));
    awake.after(20, () => fired.push('after'));
    const slept = awake.sleep(30).then(() => fired.push('slept'));
    cancel();
    clock.advance(40);
    await slept;
    assert.deepEqual(fired, ['after', 'slept']);
  });
});
