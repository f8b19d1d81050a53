import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { systemClock, type Clock } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

describe('manual clock', () => {
  it('fires timers in order of their due time, each at exactly that time', () => {
    const clock = new ManualClock(1000);
    const fired: [string, number, number][] = [];
    const note = (name: string) => () => fired.push([name, clock.monotonicMs(), clock.wallMs()]);
    clock.after(20, note('late'));
    clock.after(10, note('early'));
    clock.after(10, () => clock.after(5, note('nested')));
    clock.advance(19);
    clock.advance(1);
    assert.deepEqual(fired, [
      ['early', 10, 1010],
      ['nested', 15, 1015],
      ['late', 20, 1020],
    ]);
  });

  it('does not fire what was cancelled', () => {
    const clock = new ManualClock();
    const cancel = clock.after(1, () => assert.fail('cancelled'));
    cancel();
    clock.advance(2);
    assert.equal(clock.pendingTimers, 0);
  });

  it('keeps timers and monotonic time when wall time jumps back', () => {
    const clock = new ManualClock(5000);
    let fired = false;
    clock.after(10, () => (fired = true));
    clock.jumpWall(-4000);
    assert.deepEqual([clock.wallMs(), clock.monotonicMs()], [1000, 0]);
    clock.advance(10);
    assert.equal(fired, true);
  });
});

/** What holds for both clocks; `pass` lets that many milliseconds go by. */
function sleepContract(name: string, clock: Clock, pass: (ms: number) => void): void {
  describe(`sleep of the ${name} clock`, () => {
    it('resolves after the delay', async () => {
      const beganMs = clock.monotonicMs();
      const sleeping = clock.sleep(5);
      pass(5);
      await sleeping;
      // Node's timers count whole milliseconds, from the beginning of a turn of the event loop.
      assert.ok(clock.monotonicMs() - beganMs >= 4);
    });

    it('rejects with the reason when aborted before or during', async () => {
      const reason = new Error('enough');
      await assert.rejects(clock.sleep(10_000, AbortSignal.abort(reason)), reason);
      const controller = new AbortController();
      const sleeping = clock.sleep(10_000, controller.signal);
      controller.abort(reason);
      await assert.rejects(sleeping, reason);
    });
  });
}

const manual = new ManualClock();
sleepContract('manual', manual, (ms) => manual.advance(ms));
sleepContract('system', systemClock, () => {});

describe('system clock', () => {
  it('does not fire at once for a delay beyond what Node timers hold', async () => {
    const cancel = systemClock.after(2 ** 40, () => assert.fail('fired'));
    await systemClock.sleep(10);
    cancel();
  });
});
