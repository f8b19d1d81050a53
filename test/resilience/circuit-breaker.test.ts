// D19: a circuit breaker through all of its states, shared by two workers, with what operators see and do.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope } from '../kit/owner.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { type DataPlaneNode, startSystem, type System } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { type FlakyUpstream, startFlaky } from './flaky-upstream.ts';

const failureRate = { percent: 50, window: '10s', minRequests: 10, probes: 2, statuses: ['5xx'] };

const stalledClients = 30;

describe('a circuit breaker', () => {
  const scope = new OwnScope();
  const upstreams = {} as Record<'cycle' | 'reset' | 'full' | 'stalled', FlakyUpstream>;
  let system: System;
  let node: DataPlaneNode;
  let url: string;

  before(async () => {
    upstreams.cycle = await startFlaky(scope, () => 500);
    upstreams.reset = await startFlaky(scope, () => 500);
    upstreams.full = await startFlaky(scope, () => 'hang');
    // One that answers waits for all of a request.
    upstreams.stalled = await startFlaky(scope, (nth) => (nth < stalledClients ? 'hang' : 200));
    const { cycle, reset, full, stalled } = upstreams;
    const breaking = (openFor: string) => ({ circuitBreaker: { failureRate: { ...failureRate, openFor } } });
    system = await startSystem(scope, {
      resources: [
        gateway({ timeouts: { requestBodyIdle: '1s' } }),
        service('cycle', [cycle.port], breaking('1s')),
        route('cycle', '/cycle', 'cycle'),
        service('reset', [reset.port], breaking('1h')),
        route('reset', '/reset', 'reset'),
        service('full', [full.port], { circuitBreaker: { maxRequests: 6 } }),
        route('full', '/full', 'full', { timeouts: { responseHead: '3s' } }),
        service('stalled', [stalled.port], {
          ...breaking('1h'),
          healthCheck: { passive: { consecutive5xx: 3 } },
        }),
        route('stalled', '/stalled', 'stalled', { timeouts: { backendRequest: '300ms' } }),
      ],
    });
    node = system.nodes[0]!;
    url = await node.trafficUrl();
  });
  after(() => scope.end());

  /** On connections of their own, so that both workers have their share; gives statuses, and reasons of ours. */
  async function ask(path: string, times: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let count = 0; count < times; count += 1) {
      const { statusCode, headers, body } = await request(`${url}/${path}`, { reset: true });
      const text = await body.text();
      const reason = text.startsWith('{') ? (JSON.parse(text) as { reason: string }).reason : '';
      if (reason === 'circuit_open') assert.match(String(headers['retry-after']), /^[1-9]\d*$/);
      const what = `${statusCode} ${reason}`;
      seen[what] = (seen[what] ?? 0) + 1;
    }
    return seen;
  }

  const transitions = async (name: string, to: string): Promise<number> =>
    (await scrape(node)).sum('causeway_breaker_transitions_total', { service: `default/${name}`, to });

  const stateOf = async (name: string): Promise<string | undefined> => {
    const metrics = await scrape(node);
    return ['closed', 'open', 'halfOpen'].find(
      (state) => metrics.sum('causeway_breaker_state', { service: `default/${name}`, state }) === 1,
    );
  };

  test('opens once for all workers, tries again after its time, and closes when the Service is well', async () => {
    const { cycle } = upstreams;
    assert.equal(await stateOf('cycle'), 'closed');
    assert.deepEqual(await ask('cycle', 40), { '500 ': 10, '503 circuit_open': 30 });
    assert.deepEqual(
      [cycle.total, await stateOf('cycle'), await transitions('cycle', 'open')],
      [10, 'open', 1],
    );
    // One probe fails, and it is open again.
    await eventually(() => ask('cycle', 1), { what: 'a probe', until: (seen) => '500 ' in seen });
    assert.deepEqual(await ask('cycle', 10), { '503 circuit_open': 10 });
    assert.deepEqual([cycle.total, await transitions('cycle', 'open')], [11, 2]);
    cycle.behave = () => 200;
    await eventually(() => ask('cycle', 1), { what: 'a probe', until: (seen) => '200 ' in seen });
    assert.deepEqual(await ask('cycle', 20), { '200 ': 20 });
    assert.deepEqual(
      [await stateOf('cycle'), await transitions('cycle', 'halfOpen'), await transitions('cycle', 'closed')],
      ['closed', 2, 1],
    );
    const line = await node.child.waitForLog(
      'the transition',
      (logged) => logged['service'] === 'default/cycle' && logged['to'] === 'closed',
    );
    assert.equal(line.level, 'warn');
  });

  test('is closed by an operator, on every node', async () => {
    const { reset } = upstreams;
    assert.deepEqual(await ask('reset', 20), { '500 ': 10, '503 circuit_open': 10 });
    reset.behave = () => 200;
    const answer = await system.admin.call('POST', 'namespaces/default/services/reset/resetBreaker');
    assert.deepEqual([answer.status, answer.json()], [200, { nodes: [{ node: 'node-1', error: null }] }]);
    assert.deepEqual(await ask('reset', 20), { '200 ': 20 });
    assert.equal(await stateOf('reset'), 'closed');
  });

  test('lets no more requests through at once than there may be, whichever worker they come to', async () => {
    const { full } = upstreams;
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('full', 1)));
    const refused = answers.filter((seen) => '503 circuit_open' in seen).length;
    const timedOut = answers.filter((seen) => '504 upstream_timeout' in seen).length;
    assert.deepEqual([full.total, timedOut, refused], [6, 6, 54]);
    full.behave = () => 200;
    assert.deepEqual(await ask('full', 6), { '200 ': 6 });
  });

  test('is no matter of clients that stop in the middle of their bodies', async () => {
    const statuses = await Promise.all(
      Array.from({ length: stalledClients }, async () => {
        const client = await rawConnect(scope, Number(new URL(url).port));
        await client.send('POST /stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
        return (await client.readResponse()).status;
      }),
    );
    assert.deepEqual([...new Set(statuses)], [408]);
    assert.deepEqual(await ask('stalled', 20), { '200 ': 20 });
    assert.deepEqual([await stateOf('stalled'), await transitions('stalled', 'open')], ['closed', 0]);
  });
});
