import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { tickMs, type Timed, TimerWheel } from './timer-wheel.ts';

class Alarm implements Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = 0;
  readonly rangAtMs: number[] = [];
  readonly #then: (() => void) | undefined;

  constructor(then?: () => void) {
    this.#then = then;
  }

  onDue(nowMs: number): void {
    this.rangAtMs.push(nowMs);
    this.#then?.();
  }
}

describe('TimerWheel', () => {
  it('fires within one tick of the deadline, also beyond a revolution', () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const delaysMs = [0, 1, 49, 50, 51, 999, 25_600, 60_000, 3_600_000];
    const alarms = delaysMs.map((delayMs) => {
      const alarm = new Alarm();
      wheel.schedule(alarm, delayMs);
      return alarm;
    });
    clock.advance(3_700_000);
    for (const [index, delayMs] of delaysMs.entries()) {
      const [rangAtMs = -1, ...again] = alarms[index]!.rangAtMs;
      assert.ok(rangAtMs >= delayMs && rangAtMs <= delayMs + 2 * tickMs, `${delayMs} rang at ${rangAtMs}`);
      assert.deepEqual(again, []);
    }
    assert.equal(clock.pendingTimers, 0);
  });

  it('does not fire what was cancelled, and fires once what was moved', () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const [cancelled, moved] = [new Alarm(), new Alarm()];
    wheel.schedule(cancelled, 100);
    wheel.schedule(moved, 100);
    wheel.cancel(cancelled);
    wheel.cancel(cancelled);
    wheel.schedule(moved, 500);
    clock.advance(400);
    assert.deepEqual([cancelled.rangAtMs, moved.rangAtMs], [[], []]);
    clock.advance(1000);
    assert.deepEqual(cancelled.rangAtMs, []);
    assert.equal(moved.rangAtMs.length, 1);
  });

  it('moves a deadline that is to be met only when it comes earlier, and lets one go that never comes', () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const [earlier, later, never] = [new Alarm(), new Alarm(), new Alarm()];
    for (const alarm of [earlier, later, never]) wheel.wakeBy(alarm, 1000);
    wheel.wakeBy(earlier, 100);
    wheel.wakeBy(later, 5000);
    wheel.wakeBy(never, Infinity);
    clock.advance(100 + 2 * tickMs);
    assert.deepEqual([earlier.rangAtMs.length, later.rangAtMs.length], [1, 0]);
    clock.advance(1000);
    assert.equal(later.rangAtMs.length, 1, 'woken at the time it had');
    clock.advance(10_000);
    assert.deepEqual([earlier.rangAtMs.length, later.rangAtMs.length, never.rangAtMs.length], [1, 1, 0]);
  });

  it('lets an alarm cancel or move its neighbours, and schedule itself again', () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const [victim, postponed] = [new Alarm(), new Alarm()];
    const first: Alarm = new Alarm(() => {
      wheel.cancel(victim);
      wheel.schedule(postponed, 10_000);
      if (first.rangAtMs.length < 3) wheel.schedule(first, 0);
    });
    for (const alarm of [victim, postponed, first]) wheel.schedule(alarm, 100);
    clock.advance(5000);
    assert.deepEqual([victim.rangAtMs.length, postponed.rangAtMs.length, first.rangAtMs.length], [0, 0, 3]);
    clock.advance(6000);
    assert.equal(postponed.rangAtMs.length, 1);
  });

  it('does not tick while it is empty', () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const alarm = new Alarm();
    wheel.schedule(alarm, 100);
    wheel.cancel(alarm);
    clock.advance(tickMs * 2);
    assert.equal(clock.pendingTimers, 0);
  });
});
