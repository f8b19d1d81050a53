// Copies of traffic for another Service, and faults for drills, as clients and upstreams meet them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { startSlow } from '../../kit/upstreams/slow.ts';

describe('mirror and faultInjection', () => {
  it('copy what they are told, and make a share of the requests fail', async (t) => {
    const [real, copied, hung] = [
      await startEcho(t, 'real'),
      await startEcho(t, 'copied'),
      await startSlow(t, { headDelayMs: 3_600_000 }),
    ];
    const system = await startSystem(t, {
      resources: [
        gateway(),
        service('real', [real.port]),
        service('copied', [copied.port]),
        service('hung', [hung.port]),
        route('both', '/both', 'real', {
          filters: [
            { name: 'one', mirror: { service: 'copied', maxBodySize: '1KiB' } },
            { name: 'two', mirror: { service: 'hung' } },
          ],
        }),
        route('drill', '/drill', 'real', {
          filters: [{ faultInjection: { percent: 50, abort: { status: 418 } } }],
        }),
        route('cut', '/cut', 'real', {
          filters: [{ faultInjection: { percent: 100, abort: { reset: true } } }],
        }),
        route('slow', '/slow', 'real', { filters: [{ faultInjection: { percent: 100, delay: '300ms' } }] }),
      ],
    });
    const node = system.nodes[0]!;
    const url = await node.trafficUrl();

    for (const bytes of [0, 1024, 1025]) {
      const body = bytes === 0 ? null : Buffer.alloc(bytes, 'x');
      const answer = await request(`${url}/both?x=1`, { method: 'POST', body, reset: true });
      const echo = (await answer.body.json()) as Echo;
      assert.deepEqual([echo.upstream, echo.target, echo.bodyBytes], ['real', '/both?x=1', bytes]);
    }
    const mirrored = 'causeway_mirrored_requests_total';
    const metrics = await eventually(() => scrape(node), {
      what: 'the copies are answered',
      until: (now) => now.sum(mirrored, { service: 'default/copied', result: 'success' }) === 2,
    });
    assert.equal(metrics.sum(mirrored, { service: 'default/copied', result: 'tooLarge' }), 1);
    assert.deepEqual([copied.requests, hung.started], [2, 3]);

    const statuses: number[] = [];
    for (let sent = 0; sent < 200; sent += 1) {
      const answer = await request(`${url}/drill`);
      await answer.body.dump();
      statuses.push(answer.statusCode);
    }
    const faults = statuses.filter((status) => status === 418).length;
    assert.ok(faults > 60 && faults < 140, `${faults} of 200`);
    assert.equal(statuses.filter((status) => status === 200).length, 200 - faults);
    await assert.rejects(request(`${url}/cut`));
    const startedMs = performance.now();
    const late = await request(`${url}/slow`);
    await late.body.dump();
    assert.deepEqual([late.statusCode, performance.now() - startedMs >= 299], [200, true]);
  });
});
