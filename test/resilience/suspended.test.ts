// D27: a node that is stopped for a while, or gets little of the processor, as in a suspended machine or a full cgroup.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { startSlow } from '../kit/upstreams/slow.ts';
import { scaled } from './scale.ts';
import { startRoutes } from './start-routes.ts';

const stoppedMs = scaled(6000, 60_000);
const starvedMs = scaled(4000, 30_000);
const request = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

describe('a node without the processor', () => {
  test(`stopped for ${stoppedMs / 1000} s goes on as if nothing had been: no deadline has passed meanwhile`, async (t) => {
    const [slow, fast] = await Promise.all([startSlow(t, { headDelayMs: 1500 }), startCounting(t)]);
    const timeouts = { request: '3s', responseHead: '3s' };
    const { node, port } = await startRoutes(
      t,
      { slow: { port: slow.port, route: { timeouts } }, '': { port: fast.port } },
      { timeouts: { keepAlive: '3s', requestHead: '3s' } },
    );
    const [idle, begun] = [await rawConnect(t, port), await rawConnect(t, port)];
    await idle.send(request('/x'));
    assert.equal((await idle.readResponse()).status, 200);
    await begun.send('GET /begun HTTP/1.1\r\n');
    const asking = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = await rawConnect(t, port);
        await client.send(request('/slow'));
        return client;
      }),
    );
    await eventually(() => slow.started === 20, { what: 'the requests are under way' });
    node.child.signal('SIGSTOP');
    await sleep(stoppedMs);
    node.child.signal('SIGCONT');
    for (const client of asking) assert.equal((await client.readResponse()).status, 200);
    await begun.send('host: a.test\r\n\r\n');
    assert.equal((await begun.readResponse()).status, 200);
    await idle.send(request('/x'));
    assert.equal((await idle.readResponse()).status, 200);
    assert.equal((await scrape(node)).sum('causeway_worker_restarts_total'), 0);
    await eventually(() => scrape(node), {
      what: 'the node is with its control plane again',
      until: (now) => now.value('causeway_config_staleness_seconds') === 0,
    });
  });

  test('that gets a fifth of it serves all, slowly', async (t) => {
    const upstream = await startCounting(t);
    const { node, port } = await startRoutes(t, { '': { port: upstream.port } });
    const load = startLoad(t, { port, request: request('/x') });
    await eventually(() => load.result.ok > 200, { what: 'the load runs' });
    const endMs = performance.now() + starvedMs;
    while (performance.now() < endMs) {
      node.child.signal('SIGSTOP');
      await sleep(80);
      node.child.signal('SIGCONT');
      await sleep(20);
    }
    const before = load.result.ok;
    await eventually(() => load.result.ok > before + 200, { what: 'the load goes on' });
    const { failed, reasons } = await load.stop();
    assert.deepEqual([failed, reasons], [0, {}]);
    assert.equal((await scrape(node)).sum('causeway_worker_restarts_total'), 0);
  });
});
