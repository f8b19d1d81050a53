// Listeners are resources: ports of a living node that open, close and change what they speak, under load that never notices.

import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { startLoad } from '../../kit/load.ts';
import { startSystem } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startCounting } from '../../kit/upstreams/counting.ts';
import { startSlow } from '../../kit/upstreams/slow.ts';

const request = (path = '/x'): string => `GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

/** A port that nobody has: it was one a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function started(t: TestContext) {
  const [fast, slow, authority] = await Promise.all([
    startCounting(t),
    startSlow(t, { headDelayMs: 1500 }),
    TestAuthority.create('Shop CA'),
  ]);
  const [main, other] = [await freePort(), await freePort()];
  const on = (name: string, port: number, more: object = {}) => ({
    name,
    address: '127.0.0.1',
    port,
    ...more,
  });
  const listening = (...listeners: object[]) => gateway({ listeners, timeouts: { drain: '20s' } });
  const system = await startSystem(t, {
    resources: [
      {
        kind: 'Certificate',
        metadata: { name: 'www' },
        spec: { ...(await authority.issue({ names: ['a.test'] })) },
      },
      listening(on('main', main)),
      service('fast', [fast.port]),
      route('fast', '/', 'fast'),
      service('slow', [slow.port]),
      route('slow', '/slow', 'slow'),
    ],
  });
  await system.nodes[0]!.trafficPort('main');
  return { system, slow, main, other, on, listening };
}

/** On a connection of its own. */
const statusOf = async (url: string): Promise<number> =>
  (await fetch(url, { headers: { connection: 'close' } })).status;

describe('the listeners of a Gateway', () => {
  it('open, close and move beside one that is used, which fails nothing', async (t) => {
    const { system, main, other, on, listening } = await started(t);
    const load = startLoad(t, { port: main, request: request() });
    const closing = startLoad(t, {
      port: main,
      request: request().replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'),
      connections: 2,
    });
    await eventually(() => load.result.ok > 200, { what: 'the load runs' });
    for (let times = 0; times < 5; times += 1) {
      await system.apply([listening(on('main', main), on('other', other))]);
      assert.equal(await statusOf(`http://127.0.0.1:${other}/x`), 200);
      // The port that is used gets another address to listen on, which takes it over, and back.
      await system.apply([listening(on('main', main, { address: '0.0.0.0' }), on('renamed', other))]);
      assert.equal(await statusOf(`http://127.0.0.1:${other}/x`), 200);
      await system.apply([listening(on('main', main))]);
      await assert.rejects(statusOf(`http://127.0.0.1:${other}/x`));
    }
    for (const each of [load, closing]) {
      const { failed, reasons } = await each.stop();
      assert.deepEqual([failed, reasons], [0, {}]);
    }
  });

  it('let go of a port without cutting what is under way on it', async (t) => {
    const { system, slow, main, other, on, listening } = await started(t);
    await system.apply([listening(on('main', main), on('other', other))]);
    const [busy, idle] = [await rawConnect(t, other), await rawConnect(t, other)];
    await idle.send(request());
    assert.equal((await idle.readResponse()).status, 200);
    await busy.send(request('/slow'));
    await eventually(() => slow.started === 1, { what: 'the request is under way' });
    await system.apply([listening(on('main', main))]);
    await assert.rejects(statusOf(`http://127.0.0.1:${other}/x`));
    const { status, headers } = await busy.readResponse();
    assert.deepEqual([status, new Map(headers).get('connection')], [200, 'close']);
    await idle.closed();
  });

  it('change what a port speaks: who is connected goes on, who comes meets the new', async (t) => {
    const { system, main, on, listening } = await started(t);
    const before = await rawConnect(t, main);
    await before.send(request());
    assert.equal((await before.readResponse()).status, 200);
    const tls = { protocol: 'https', tls: { certificates: ['www'] } };
    await system.apply([listening(on('main', main, tls))]);
    const plain = await rawConnect(t, main);
    await plain.send(request());
    assert.equal((await plain.readResponse()).status, 400);
    await before.send(request());
    assert.equal((await before.readResponse()).status, 200);
    await system.apply([listening(on('main', main, { redirectToHttps: 443 }))]);
    assert.equal((await fetch(`http://127.0.0.1:${main}/x`, { redirect: 'manual' })).status, 308);
  });
});
