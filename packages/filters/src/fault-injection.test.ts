import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createFaultInjectionFilter, type FaultSettings } from './fault-injection.ts';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner, outcome } from './testing/fake-owner.ts';

const settings: FaultSettings = { percent: 100, delayMs: 0, abort: undefined };

function start(change: Partial<FaultSettings>, random = () => 0): FakeOwner {
  const chain = new FilterChain([createFaultInjectionFilter('f', { ...settings, ...change }, random)]);
  const owner = new FakeOwner(chain);
  chain.requestHead(owner);
  return owner;
}

describe('faultInjection', () => {
  it('answers with a status, and with a body where there may be one', () => {
    const { response, log } = start({ abort: 503 });
    assert.deepEqual(log, ['replace 503', 'response 503']);
    assert.ok(response?.kind === 'answer');
    assert.equal(Buffer.from(response.body).toString(), 'A fault that the Route injects.\n');
    const empty = start({ abort: 204 }).response;
    assert.ok(empty?.kind === 'answer');
    assert.deepEqual([empty.body.length, empty.fields], [0, []]);
  });

  it('cuts the connection', () => {
    assert.deepEqual(start({ abort: 'reset' }).log, ['cut']);
  });

  it('delays, and lets go on or aborts afterwards', async () => {
    for (const [abort, expected] of [
      [undefined, ['request']],
      ['reset', ['cut']],
    ] as const) {
      const owner = start({ delayMs: 30, abort });
      assert.deepEqual(owner.log, []);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.deepEqual(owner.log, expected);
    }
  });

  it('forgets its delay with the exchange', async () => {
    const owner = start({ delayMs: 20, abort: 503 });
    owner.chain.end(owner, outcome);
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.deepEqual(owner.log, []);
  });

  it('takes the share that it is told', () => {
    const taken = (percent: number, random: number) =>
      start({ percent, abort: 503 }, () => random).response !== undefined;
    assert.deepEqual(
      [taken(0, 0), taken(25, 0.2499), taken(25, 0.25), taken(100, 0.9999)],
      [false, true, false, true],
    );
    let hits = 0;
    for (let sent = 0; sent < 10_000; sent += 1)
      if (start({ percent: 10, abort: 503 }, Math.random).response !== undefined) hits += 1;
    assert.ok(hits > 800 && hits < 1200, String(hits));
  });
});
