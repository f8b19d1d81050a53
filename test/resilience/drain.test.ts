// D11: a node that is told to stop while it is used.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../kit/eventually.ts';
import { startHttp2Load } from '../kit/http2-load.ts';
import { startLoad } from '../kit/load.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { startSlow } from '../kit/upstreams/slow.ts';

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

async function started(t: TestContext, timeouts: object) {
  const authority = await TestAuthority.create('Shop CA');
  const [slow, fast] = await Promise.all([startSlow(t, { headDelayMs: 2500 }), startCounting(t)]);
  const on = (name: string, more: object = {}) => ({ name, address: '127.0.0.1', port: 0, ...more });
  const system = await startSystem(t, {
    resources: [
      {
        kind: 'Certificate',
        metadata: { name: 'www' },
        spec: { ...(await authority.issue({ names: ['localhost'] })) },
      },
      gateway({
        listeners: [on('http'), on('https', { protocol: 'https', tls: { certificates: ['www'] } })],
        timeouts,
      }),
      service('slow', [slow.port]),
      route('slow', '/slow', 'slow'),
      service('fast', [fast.port]),
      route('fast', '/', 'fast'),
    ],
  });
  const node = system.nodes[0]!;
  return {
    system,
    node,
    slow,
    port: await node.trafficPort('http'),
    tlsPort: await node.trafficPort('https'),
  };
}

async function readiness(node: DataPlaneNode): Promise<number> {
  return (await fetch(`${await node.statusUrl()}/readyz`)).status;
}

describe('a node that is told to stop', () => {
  test('says so at once, takes what comes for a while, ends what is under way, and fails nothing', async (t) => {
    const { system, node, port, tlsPort, slow } = await started(t, { drainDelay: '1s', drain: '20s' });
    const load = startLoad(t, { port, request: request('/x') });
    const overTls = startLoad(t, { port: tlsPort, request: request('/x'), tls: true, connections: 4 });
    const overHttp2 = startHttp2Load(t, { url: `http://127.0.0.1:${port}/x` });
    const overBoth = startHttp2Load(t, { url: `https://localhost:${tlsPort}/x`, connections: 2 });
    const loads = { load, overTls, overHttp2, overBoth };
    await eventually(() => Object.values(loads).every(({ result }) => result.ok > 100), {
      what: 'the load runs',
    });
    const underWay = await rawConnect(t, port);
    await underWay.send(request('/slow'));
    await eventually(() => slow.started === 1, { what: 'the slow request is under way' });
    assert.equal(await readiness(node), 200);
    node.child.signal('SIGTERM');
    await eventually(async () => (await readiness(node)) === 503, { what: 'the node is not ready' });
    const shown = await eventually(() => system.admin.call('GET', 'nodes/node-1'), {
      what: 'the control plane shows it',
      until: (answer) => answer.field('status', 'draining') === true,
    });
    assert.equal(shown.field('status', 'state'), 'SYNCED');
    const late = await rawConnect(t, port);
    await late.send(request('/x'));
    const { status, headers } = await late.readResponse();
    assert.deepEqual([status, headers.find(([name]) => name === 'connection')?.[1]], [200, 'close']);
    assert.equal((await underWay.readResponse()).status, 200);
    for (const [name, each] of Object.entries(loads)) {
      const { ok, reasons } = await each.stop();
      t.diagnostic(`${name}: ${ok} answers; not answered: ${JSON.stringify(reasons)}`);
      // Who connects when the port is closed is refused, and what waits there at that moment is reset; nobody else fails.
      const known = 'connection failed before its first answer';
      assert.deepEqual(
        Object.keys(reasons).filter((reason) => !reason.startsWith(known)),
        [],
      );
    }
    assert.deepEqual(await node.child.expectEnd(), { code: 0, signal: null });
  });

  test('a second time stops at once', async (t) => {
    const { node, port, slow } = await started(t, { drainDelay: '30s', drain: '30s' });
    const underWay = await rawConnect(t, port);
    await underWay.send(request('/slow'));
    await eventually(() => slow.started === 1, { what: 'the slow request is under way' });
    node.child.signal('SIGTERM');
    await eventually(async () => (await readiness(node)) === 503, { what: 'the node is not ready' });
    const echoMs = 400;
    await new Promise((resolve) => setTimeout(resolve, echoMs));
    node.child.signal('SIGTERM');
    assert.deepEqual(await node.child.expectEnd(), { code: 143, signal: null });
    assert.equal(slow.aborted, 1);
  });

  test('waits no longer than its Gateway says', async (t) => {
    const { node, port, slow } = await started(t, { drainDelay: '0s', drain: '500ms' });
    const underWay = await rawConnect(t, port);
    await underWay.send(request('/slow'));
    await eventually(() => slow.started === 1, { what: 'the slow request is under way' });
    await node.stop();
    assert.equal(slow.aborted, 1);
    assert.ok(node.child.logs.some(({ msg }) => msg === 'cutting connections'));
  });
});
