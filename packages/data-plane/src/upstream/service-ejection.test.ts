import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '@causeway/runtime/clock';

import { EndpointOwnWord, EndpointWord } from '../counts/endpoint-record.ts';
import { get, Heard } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { endpoints } from '../testing/node-fixture.ts';
import { poolContext, poolSettings } from '../testing/pools.ts';
import type { PoolContext } from './endpoint-pool.ts';
import { ServiceHandle } from './service-handle.ts';

const passive = {
  connectFailures: 3,
  consecutive5xx: 0,
  successRatePercent: 0,
  minRequests: 1,
  windowMs: 30_000,
  ejectForMs: 30_000,
  maxEjectForMs: 300_000,
  maxEjectedPercent: 50,
};

/** A Service of two endpoints at which nobody listens, after so many tries on the first one. */
async function afterTries(count: number, changed: Partial<PoolContext> = {}) {
  const service = new ServiceHandle('default/s', poolSettings({ passive }), {
    ...poolContext(systemClock, () => 0),
    ...changed,
  });
  service.setEndpoints(endpoints('s', [1, 2]));
  const [first] = service.endpoints;
  for (let tries = 0; tries < count; tries += 1) {
    const heard = new Heard();
    first!.pool.send(get, heard, first);
    await until('the try is over', () => heard.isOver);
  }
  const { record } = first!.held;
  return {
    isEjected: record.load(EndpointWord.ejected) === 1,
    failures: record.sum(EndpointOwnWord.failures),
    picks: Array.from({ length: 4 }, () => service.pick()?.port),
  };
}

describe('a Service whose endpoint refuses connections', () => {
  it('picks it no more from the failure on that ejects it', async () => {
    assert.deepEqual(await afterTries(2), { isEjected: false, failures: 2, picks: [1, 2, 1, 2] });
    assert.deepEqual(await afterTries(3), { isEjected: true, failures: 3, picks: [2, 2, 2, 2] });
  });

  it('does not blame it for what this machine is short of', async () => {
    const shortage = Object.assign(new Error('no more descriptors'), { code: 'EMFILE' });
    const ownPorts = {
      has: () => {
        throw shortage;
      },
    };
    assert.deepEqual(await afterTries(5, { ownPorts }), {
      isEjected: false,
      failures: 0,
      picks: [1, 2, 1, 2],
    });
  });
});
