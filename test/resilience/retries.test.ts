// D2, D3 and D19: what clients and upstreams of a node with two workers see of retries.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { OwnScope, type Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';
import { listen } from '../kit/upstreams/listen.ts';
import { type FlakyUpstream, startFlaky } from './flaky-upstream.ts';
import { scaled } from './scale.ts';

const posts = scaled(10_000, 100_000);
const stormRequests = 3000;

/** Endpoints are not to be ejected: that is another matter. */
const steady = { healthCheck: { passive: { connectFailures: 0 } } };

/** Of a port at which nobody listens. */
async function refusingPort(owner: Owner): Promise<number> {
  const server = createServer();
  const port = await listen(owner, server);
  server.close();
  await once(server, 'close');
  // What the owner closes in the end.
  server.listen(0, '127.0.0.1');
  return port;
}

describe('retries', { concurrency: true }, () => {
  const scope = new OwnScope();
  const upstreams = {} as Record<'good' | 'resetting' | 'hanging' | 'failing' | 'tenth', FlakyUpstream>;
  let node: DataPlaneNode;
  let url: string;

  before(async () => {
    upstreams.good = await startFlaky(scope, () => 200);
    upstreams.resetting = await startFlaky(scope, () => 'reset');
    upstreams.hanging = await startFlaky(scope, () => 'hang');
    upstreams.failing = await startFlaky(scope, () => 503);
    upstreams.tenth = await startFlaky(scope, (nth) => (nth % 10 === 9 ? 'reset' : 200));
    const { good, resetting, hanging, failing, tenth } = upstreams;
    const generous = { ...steady, retryBudget: { percent: 100, minPerSecond: 1000 } };
    const all = {
      attempts: 3,
      errors: ['connectFailure', 'reset', 'timeout'],
      statuses: [503],
      backoff: '1ms',
      maxBackoff: '1ms',
    };
    const resources: Resource[] = [
      gateway(),
      service('faults', [await refusingPort(scope), resetting.port, hanging.port, good.port], generous),
      route('faults', '/faults', 'faults', { retry: all, timeouts: { backendRequest: '600ms' } }),
      service('tenth', [tenth.port], generous),
      route('tenth', '/tenth', 'tenth', { retry: all }),
      service('storm', [failing.port], steady),
      route('storm', '/storm', 'storm', { retry: { ...all, attempts: 5 } }),
    ];
    const system = await startSystem(scope, { resources });
    node = system.nodes[0]!;
    url = await node.trafficUrl();
  });
  after(() => scope.end());

  test('carry requests over endpoints that refuse, reset and hang', async () => {
    for (let sent = 0; sent < 20; sent += 1) {
      const { statusCode, body } = await request(`${url}/faults/${sent}`, { reset: true });
      assert.deepEqual([statusCode, await body.text()], [200, '200']);
    }
    const metrics = await scrape(node);
    assert.ok(metrics.sum('causeway_retries_total', { service: 'default/faults', result: 'success' }) >= 10);
    assert.ok(upstreams.hanging.total > 0 && upstreams.resetting.total > 0);
  });

  test(`never send one of ${posts} POSTs twice, while one request in ten is reset`, async (t) => {
    const { tenth } = upstreams;
    const statuses = new Map<number, number>();
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < posts) {
        const id = next++;
        const { statusCode, body } = await request(`${url}/tenth/${id}`, { method: 'POST', body: 'once' });
        await body.dump();
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    const twice = [...tenth.counts.values()].filter((count) => count > 1);
    t.diagnostic(`answers: ${JSON.stringify([...statuses])}, arrived: ${tenth.counts.size}`);
    assert.deepEqual(twice, []);
    assert.deepEqual(new Set(statuses.keys()), new Set([200, 502]));
    // Those that may be repeated all succeed.
    for (let sent = 0; sent < 200; sent += 1) {
      const { statusCode, body } = await request(`${url}/tenth/get-${sent}`);
      await body.dump();
      assert.equal(statusCode, 200);
    }
  });

  test('stay a fifth of the requests when every answer is bad, over both workers', async (t) => {
    const { failing } = upstreams;
    const { hostname, port } = new URL(url);
    const load = startLoad(t, {
      port: Number(port),
      request: `GET /storm HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`,
      connections: 16,
      faultOf: ({ status }) => (status === 503 ? undefined : `status ${status}`),
    });
    await eventually(() => load.result.ok, { what: 'the storm', until: (ok) => ok >= stormRequests });
    const { ok, failed } = await load.stop();
    t.diagnostic(`${ok} requests, ${failing.total} at the upstream`);
    assert.equal(failed, 0);
    assert.ok(failing.total <= ok * 1.2 + 16, `${failing.total} for ${ok} requests`);
    assert.ok(failing.total > ok * 1.02, 'there was no retry to speak of');
    const metrics = await scrape(node);
    assert.ok(metrics.sum('causeway_retries_total', { service: 'default/storm', result: 'overBudget' }) > 0);
  });
});
