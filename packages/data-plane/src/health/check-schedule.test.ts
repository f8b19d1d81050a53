import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { Turns } from '@causeway/runtime/turns';

import type { CheckResult } from './run-check.ts';
import { CheckSchedule, checksMax, firstSpreadMs } from './check-schedule.ts';

/** Lets promises that are settled go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Checked {
  readonly atMs: number;
  readonly finish: (result?: CheckResult) => void;
}

function scheduleOf(
  intervalMs: number,
  random: () => number,
  { clock = new ManualClock(), turns = new Turns(checksMax) } = {},
) {
  const checks: Checked[] = [];
  const results: CheckResult[] = [];
  const schedule = new CheckSchedule({
    clock,
    random,
    turns,
    intervalMs,
    run: () =>
      new Promise((resolve) =>
        checks.push({ atMs: clock.monotonicMs(), finish: (result) => resolve(result) }),
      ),
    onResult: (result) => results.push(result),
  });
  return { clock, schedule, checks, results, turns };
}

describe('the schedule of a check', () => {
  it('spreads first checks over a second, or over a shorter interval', () => {
    for (const [intervalMs, latestMs] of [
      [10_000, firstSpreadMs],
      [200, 200],
    ] as const)
      for (const random of [0, 0.5, 0.999]) {
        const { clock, schedule, checks } = scheduleOf(intervalMs, () => random);
        schedule.start();
        clock.advance(latestMs);
        assert.deepEqual(
          checks.map(({ atMs }) => atMs),
          [random * latestMs],
        );
      }
  });

  it('waits for the interval, a tenth less or more, counted from the beginning of a check', async () => {
    for (const [random, pauseMs] of [
      [0, 9000],
      [0.5, 10_000],
      [0.999, 10_998],
    ] as const) {
      const { clock, schedule, checks } = scheduleOf(10_000, () => random);
      schedule.start();
      clock.advance(firstSpreadMs);
      clock.advance(1500);
      checks[0]!.finish();
      await settle();
      clock.advance(11_000);
      assert.equal(Math.round(checks[1]!.atMs - checks[0]!.atMs), pauseMs);
    }
  });

  it('never has two under way, and begins at once when one took longer than the interval', async () => {
    const { clock, schedule, checks, results } = scheduleOf(1000, () => 0.5);
    schedule.start();
    clock.advance(20_000);
    assert.equal(checks.length, 1);
    checks[0]!.finish({ isGood: true });
    await settle();
    assert.deepEqual(results, [{ isGood: true }]);
    clock.advance(0);
    assert.equal(checks.length, 2);
  });

  it('takes no result and begins nothing when it is over', async () => {
    const { clock, schedule, checks, results } = scheduleOf(1000, () => 0);
    schedule.start();
    clock.advance(0);
    schedule.stop();
    checks[0]!.finish({ isGood: true });
    await settle();
    clock.advance(10_000);
    assert.deepEqual([checks.length, results, clock.pendingTimers], [1, [], 0]);
  });

  it('waits for its turn where so many are under way, and is skipped when it ends meanwhile', async () => {
    const clock = new ManualClock();
    const turns = new Turns(checksMax);
    const all = Array.from({ length: checksMax + 3 }, () => scheduleOf(60_000, () => 0, { clock, turns }));
    for (const { schedule } of all) schedule.start();
    clock.advance(0);
    await settle();
    const running = (): number => all.filter(({ checks }) => checks.length > 0).length;
    assert.deepEqual([running(), turns.waiting], [checksMax, 3]);
    all[checksMax]!.schedule.stop();
    for (const done of [0, 1]) all[done]!.checks[0]!.finish();
    await settle();
    await settle();
    assert.deepEqual([running(), turns.waiting], [checksMax + 2, 0]);
    assert.equal(all[checksMax]!.checks.length, 0);
  });
});
