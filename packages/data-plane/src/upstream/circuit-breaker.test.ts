import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyedTable } from '../counts/keyed-table.ts';
import { serviceLayout } from '../counts/service-record.ts';
import { createSharedRecords, SharedRecords } from '../counts/shared-records.ts';
import {
  breakerStateOf,
  CircuitBreaker,
  type FailureRate,
  noProbe,
  refusedByBreaker,
  resetBreaker,
} from './circuit-breaker.ts';
import { TryFailure } from './try-outcome.ts';

const openForMs = 30_000;

function twoWorkers(settings: Partial<FailureRate> = {}) {
  const memory = createSharedRecords(1, 2, serviceLayout);
  const told: string[] = [];
  const rate: FailureRate = {
    percent: 50,
    windowMs: 10_000,
    requestsMin: 4,
    openForMs,
    probes: 2,
    statuses: new Set([500, 503]),
    ...settings,
  };
  const records = [0, 1].map((worker) => new SharedRecords(memory, worker).open('default/s'));
  const [one, two] = records.map(
    (record, worker) => new CircuitBreaker(rate, record, (to) => told.push(`${worker} ${to}`)),
  );
  return { memory, told, one: one!, two: two!, record: records[0]! };
}

type Breakers = ReturnType<typeof twoWorkers>;

/** Opens it at moment 0. */
function open({ one, two }: Breakers): void {
  for (const breaker of [one, two, one, two]) breaker.judge(503, noProbe, 0);
}

describe('CircuitBreaker', () => {
  it('opens at the try that brings the rate over all workers, with enough tries in the window', () => {
    const { one, two, told } = twoWorkers();
    one.judge(200, noProbe, 0);
    two.judge(500, noProbe, 0);
    one.judge(200, noProbe, 0);
    assert.equal(one.admit(0), noProbe);
    two.judge(503, noProbe, 0);
    assert.deepEqual([one.admit(0), two.admit(0), one.state, told], [-1, -1, 'open', ['1 open']]);
  });

  it('opens by a success that makes the tries enough', () => {
    const { one, told } = twoWorkers();
    for (const outcome of [500, 500, 500, 200]) one.judge(outcome, noProbe, 0);
    assert.deepEqual(told, ['0 open']);
  });

  it('stays closed below the rate, and below the number of tries', () => {
    const { one } = twoWorkers();
    for (const outcome of [200, 200, 503, 200, 503]) one.judge(outcome, noProbe, 0);
    assert.equal(one.state, 'closed');
    const few = twoWorkers();
    for (const outcome of [503, 503, 503]) few.one.judge(outcome, noProbe, 0);
    // They have left the window by now.
    few.one.judge(503, noProbe, 10_000);
    assert.equal(few.one.state, 'closed');
  });

  it('counts connect failures, resets, timeouts and broken answers as failures, and neither other statuses nor what was abandoned', () => {
    const { connectFailure, reset, timeout, protocolError, abandoned } = TryFailure;
    for (const failure of [connectFailure, reset, timeout, protocolError]) {
      const { one } = twoWorkers({ requestsMin: 1 });
      one.judge(failure, noProbe, 0);
      assert.equal(one.state, 'open', String(failure));
    }
    for (const outcome of [abandoned, 200, 404, 502]) {
      const { one } = twoWorkers({ requestsMin: 1 });
      one.judge(outcome, noProbe, 0);
      assert.equal(one.state, 'closed', String(outcome));
    }
  });

  it('counts an answer that breaks off as a failure of the same try', () => {
    const { one } = twoWorkers({ requestsMin: 1, percent: 100 });
    one.judge(200, noProbe, 0);
    one.judgeRest(200, 0);
    assert.equal(one.state, 'closed');
    one.judgeRest(TryFailure.reset, 0);
    assert.equal(one.state, 'open');
  });

  it('refuses while it is open, and says how long still', () => {
    const breakers = twoWorkers();
    open(breakers);
    const { one, two } = breakers;
    assert.deepEqual([two.openLeftMs(0), two.openLeftMs(openForMs - 1)], [openForMs, 1]);
    assert.equal(one.admit(openForMs - 1), refusedByBreaker);
  });

  it('lets so many probes through at once when its time is over, and closes when all of them succeed', () => {
    const breakers = twoWorkers();
    open(breakers);
    const { one, two, told } = breakers;
    const first = one.admit(openForMs);
    const second = two.admit(openForMs);
    assert.ok(first > 0 && first === second);
    assert.deepEqual([one.admit(openForMs), two.admit(openForMs)], [refusedByBreaker, refusedByBreaker]);
    one.judge(200, first, openForMs);
    one.leave();
    assert.equal(two.state, 'halfOpen');
    two.judge(200, second, openForMs);
    two.leave();
    assert.deepEqual([one.state, one.admit(openForMs)], ['closed', noProbe]);
    assert.deepEqual(told, ['1 open', '0 halfOpen', '1 closed']);
    // What had failed before is forgotten.
    for (const outcome of [200, 200, 503, 200]) one.judge(outcome, noProbe, openForMs);
    assert.equal(one.state, 'closed');
  });

  it('opens again when one probe fails, for the whole time', () => {
    const breakers = twoWorkers();
    open(breakers);
    const { one, two, told } = breakers;
    const [first, second] = [one.admit(openForMs), two.admit(openForMs)];
    one.judge(200, first, openForMs);
    two.judge(TryFailure.timeout, second, openForMs + 5);
    assert.deepEqual([one.openLeftMs(openForMs + 5), told.at(-1)], [openForMs, '1 open']);
  });

  it('does not hear what became of a probe of an earlier turn, nor of tries of before it opened', () => {
    const breakers = twoWorkers();
    open(breakers);
    const { one, two } = breakers;
    const [late, failing] = [one.admit(openForMs), two.admit(openForMs)];
    two.judge(500, failing, openForMs);
    one.leave();
    two.leave();
    const again = two.admit(2 * openForMs);
    assert.notEqual(again, late);
    one.judge(500, late, 2 * openForMs);
    one.judge(500, noProbe, 2 * openForMs);
    assert.equal(one.state, 'halfOpen');
  });

  it('frees the place of a probe that nobody heard the end of', () => {
    const breakers = twoWorkers({ probes: 1 });
    open(breakers);
    const { one, two } = breakers;
    const probe = one.admit(openForMs);
    one.judge(TryFailure.abandoned, probe, openForMs);
    assert.equal(two.admit(openForMs), refusedByBreaker);
    one.leave();
    assert.equal(two.admit(openForMs), probe);
  });

  it('frees the places of a worker that has ended', () => {
    const breakers = twoWorkers({ probes: 1 });
    open(breakers);
    assert.ok(breakers.two.admit(openForMs) > 0);
    assert.equal(breakers.one.admit(openForMs), refusedByBreaker);
    new KeyedTable(breakers.memory).forget(1);
    assert.ok(breakers.one.admit(openForMs) > 0);
  });

  it('is closed by a reset, which says what it was, and forgets', () => {
    const breakers = twoWorkers();
    open(breakers);
    const { one, two, record } = breakers;
    assert.deepEqual([resetBreaker(record), resetBreaker(record)], ['open', 'closed']);
    assert.deepEqual([breakerStateOf(record), two.admit(0)], ['closed', noProbe]);
    for (const outcome of [503, 503, 503]) one.judge(outcome, noProbe, 0);
    assert.equal(one.state, 'closed');
  });

  it('works when the clock of 32 bits begins anew', () => {
    const { one } = twoWorkers({ requestsMin: 1 });
    const lateMs = 2 ** 31 - 1000;
    one.judge(500, noProbe, lateMs);
    const afterMs = (lateMs + openForMs) | 0;
    assert.ok(afterMs < 0);
    assert.deepEqual([one.admit((lateMs + openForMs - 1) | 0), one.admit(afterMs) > 0], [-1, true]);
  });
});
