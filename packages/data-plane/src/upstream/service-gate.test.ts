import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ServiceOwnWord, serviceLayout } from '../counts/service-record.ts';
import { createSharedRecords, SharedRecords } from '../counts/shared-records.ts';
import { HeldRecord } from './held-record.ts';
import { type GateSettings, noBreaker, Refused, ServiceGate } from './service-gate.ts';
import { TryFailure } from './try-outcome.ts';

const budget = { percent: 20, minPerSecond: 1, windowMs: 10_000 };

function twoWorkers(settings: Partial<GateSettings> = {}) {
  const memory = createSharedRecords(1, 2, serviceLayout);
  const time = { nowMs: 0 };
  const gates = [0, 1].map((worker) => {
    const held = new HeldRecord(new SharedRecords(memory, worker).open('default/s'));
    const all = { breaker: noBreaker, retryBudget: budget, ...settings };
    return new ServiceGate(
      held,
      all,
      () => {},
      () => time.nowMs,
    );
  });
  const record = new SharedRecords(memory, 0).open('default/s');
  const counts = () => Object.values(ServiceOwnWord).map((word) => record.sum(word));
  return { one: gates[0]!, two: gates[1]!, time, counts };
}

const many = (count: number, run: () => number): number[] => Array.from({ length: count }, run);
const granted = (tickets: readonly number[]): number => tickets.filter((ticket) => ticket >= 0).length;

const failureRate = {
  percent: 50,
  windowMs: 10_000,
  requestsMin: 1,
  openForMs: 2500,
  probes: 1,
  statuses: new Set([503]),
};

describe('ServiceGate', () => {
  it('holds the limit of requests over all workers', () => {
    const { one, two, counts } = twoWorkers({ breaker: { ...noBreaker, requestsMax: 2 } });
    const [first, second] = [one.admit(), two.admit()];
    assert.deepEqual([one.admit(), two.admit()], [Refused.requests, Refused.requests]);
    two.leave(second);
    assert.equal(one.admit(), first);
    assert.deepEqual(counts(), [2, 0, 0]);
  });

  it('holds the limit of retries, and counts them among the requests', () => {
    const { one, two, counts } = twoWorkers({ breaker: { ...noBreaker, retriesMax: 1 } });
    const retry = one.admitRetry();
    assert.equal(two.admitRetry(), Refused.retries);
    assert.deepEqual(counts(), [1, 1, 0]);
    one.leave(retry);
    assert.ok(two.admitRetry() >= 0);
  });

  it('leaves nothing behind of what it has refused', () => {
    const { one, counts } = twoWorkers({ breaker: { requestsMax: 1, retriesMax: 5, failureRate } });
    const ticket = one.admit();
    assert.equal(one.admitRetry(), Refused.requests);
    one.judgeEnd(ticket, TryFailure.reset, false);
    one.leave(ticket);
    assert.equal(one.admit(), Refused.circuit);
    assert.equal(one.admitRetry(), Refused.circuit);
    assert.deepEqual(counts(), [0, 0, 0]);
  });

  it('grants retries up to the least that is allowed, and then up to the share of the requests of all workers', () => {
    const { one, two, time } = twoWorkers();
    assert.equal(granted(many(20, () => one.admitRetry())), 10);
    for (let request = 0; request < 100; request += 1) (request % 2 === 0 ? one : two).admit();
    assert.deepEqual([granted(many(20, () => two.admitRetry())), two.admitRetry()], [10, Refused.budget]);
    time.nowMs = 10_000;
    assert.equal(granted(many(20, () => two.admitRetry())), 10);
  });

  it('grants none without a least and without requests', () => {
    const { one } = twoWorkers({ retryBudget: { ...budget, minPerSecond: 0 } });
    assert.equal(one.admitRetry(), Refused.budget);
    many(5, () => one.admit());
    assert.deepEqual([one.admitRetry() >= 0, one.admitRetry()], [true, Refused.budget]);
  });

  it('tells how long whoever is refused has to wait', () => {
    const { one, two, time } = twoWorkers({ breaker: { ...noBreaker, failureRate } });
    assert.equal(one.state, 'closed');
    const ticket = one.admit();
    assert.equal(one.judgeHead(ticket, 503), ticket);
    assert.deepEqual([two.state, two.admit(), two.retryAfterSeconds], ['open', Refused.circuit, 3]);
    time.nowMs = 1600;
    assert.equal(two.retryAfterSeconds, 1);
  });

  it('knows by the head of its answer whether a probe has succeeded, however long the rest may take', () => {
    const { one, two, time, counts } = twoWorkers({ breaker: { ...noBreaker, failureRate } });
    one.judgeHead(one.admit(), 503);
    time.nowMs = 2500;
    const probe = two.admit();
    assert.ok(probe > 0);
    assert.equal(one.admit(), Refused.circuit);
    const left = two.judgeHead(probe, 200);
    assert.deepEqual([one.state, counts()[2]], ['closed', 0]);
    two.judgeEnd(left, TryFailure.abandoned, true);
    two.leave(left);
    assert.deepEqual([one.state, counts()], ['closed', [1, 0, 0]]);
  });

  it('has a breaker begin anew that was taken away meanwhile', () => {
    const memory = createSharedRecords(1, 1, serviceLayout);
    const gateWith = (rate: typeof failureRate | undefined): ServiceGate => {
      const held = new HeldRecord(new SharedRecords(memory, 0).open('default/s'));
      const breaker = { ...noBreaker, failureRate: rate };
      return new ServiceGate(
        held,
        { breaker, retryBudget: budget },
        () => {},
        () => 0,
      );
    };
    const gate = gateWith(failureRate);
    gate.judgeEnd(gate.admit(), TryFailure.reset, false);
    assert.equal(gate.state, 'open');
    assert.equal(gateWith(failureRate).state, 'open', 'other settings do not close it');
    assert.equal(gateWith(undefined).state, undefined);
    assert.equal(gateWith(failureRate).state, 'closed');
  });
});
