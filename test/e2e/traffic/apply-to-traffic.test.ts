// From a document to a proxied request, through real processes.

import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { startControlPlane, startNode, startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startEcho, type Echo } from '../../kit/upstreams/echo.ts';

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const answer = await request(url, { headers, reset: true });
  return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers };
}

/** A port that was free a moment ago, so that connecting to it is refused. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('apply to traffic', () => {
  it('carries a request of an applied Route to its Service and back', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    await system.apply([
      service('a', [echo.port]),
      route('a', '/orders', 'a', { hosts: ['api.example.com'] }),
    ]);
    const url = await system.nodes[0]!.trafficUrl();
    const answer = await get(`${url}/orders/7?x=1`, { host: 'api.example.com' });
    assert.equal(answer.status, 200);
    const seen = JSON.parse(answer.body) as Echo;
    assert.equal(seen.target, '/orders/7?x=1');
    const header = (name: string): string | undefined =>
      seen.headers.find(([key]) => key.toLowerCase() === name)?.[1];
    assert.equal(header('host'), 'api.example.com');
    assert.equal(header('x-forwarded-for'), '127.0.0.1');
    assert.match(header('x-request-id') ?? '', /^[0-9a-z]{16}$/);
    const missed = await get(`${url}/orders/7`);
    assert.equal(missed.status, 404);
    assert.equal((JSON.parse(missed.body) as { reason: string }).reason, 'no_route');
  });

  it('opens no port before there is a table, and follows the Gateway to another port', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    await system.apply([service('a', [echo.port]), route('a', '/', 'a')]);
    const [node] = system.nodes;
    const before = await node!.trafficUrl('http');
    assert.equal((await get(before)).status, 200);
    await system.apply([gateway({ listeners: [{ name: 'moved', address: '127.0.0.1', port: 0 }] })]);
    const after = await node!.trafficUrl('moved');
    assert.equal((await get(after)).status, 200);
    await assert.rejects(get(before), /ECONNREFUSED/);
  });

  it('tells a refused connection, a missing Service endpoint and a wrong method apart', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    const port = await closedPort();
    await system.apply([
      service('up', [echo.port]),
      service('down', [port]),
      service('none', []),
      route('down', '/down', 'down'),
      route('none', '/none', 'none'),
      {
        kind: 'Route',
        metadata: { name: 'get' },
        spec: { matches: [{ path: { prefix: '/get' }, methods: ['GET'] }], backends: [{ service: 'up' }] },
      },
    ]);
    const url = await system.nodes[0]!.trafficUrl();
    const reasonOf = async (path: string, method = 'GET'): Promise<unknown[]> => {
      const answer = await request(url + path, { method, reset: true });
      const body = (await answer.body.json()) as { reason?: string };
      return [answer.statusCode, body.reason, answer.headers['allow']];
    };
    assert.deepEqual(await reasonOf('/down'), [502, 'upstream_connect_failed', undefined]);
    assert.deepEqual(await reasonOf('/none'), [503, 'no_healthy_endpoint', undefined]);
    assert.deepEqual(await reasonOf('/get', 'POST'), [405, 'method_not_allowed', 'GET']);
  });

  it('brings two nodes to the same table', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t, { nodes: ['n1', 'n2'] });
    for (let index = 0; index < 20; index++)
      await system.admin.apply([service('a', [echo.port]), route(`r${index}`, `/r${index}`, 'a')]);
    await system.apply([route('last', '/last', 'a')]);
    for (const node of system.nodes) assert.equal((await get(`${await node.trafficUrl()}/r19`)).status, 200);
    const nodes = (await system.admin.call('GET', 'nodes')).json() as {
      items: { status: { digest: string; state: string } }[];
    };
    assert.deepEqual(new Set(nodes.items.map(({ status }) => status.state)), new Set(['SYNCED']));
    assert.equal(new Set(nodes.items.map(({ status }) => status.digest)).size, 1);
  });
});

describe('a node without its control plane', () => {
  it('invariant 1: goes on serving, and starts again from its last good snapshot', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    const [node] = system.nodes;
    await system.apply([service('a', [echo.port]), route('a', '/', 'a')]);
    assert.equal((await get(await node!.trafficUrl())).status, 200);
    const staleSeconds = async () => (await scrape(node!)).value('causeway_config_staleness_seconds');
    assert.equal(await staleSeconds(), 0);
    await system.controlPlane.kill();
    await eventually(staleSeconds, { what: 'the node is stale', until: (seconds) => seconds > 0 });
    assert.equal((await get(await node!.trafficUrl())).status, 200);
    // The snapshot goes to disk at most a second after it was applied.
    await eventually(() => node!.stop().then(() => true), { what: 'the node stops', timeoutMs: 20_000 });
    // Not even its credential is needed for that.
    await rm(system.controlPlane.nodeTokenFile);
    await node!.start();
    assert.equal((await get(await node!.trafficUrl())).status, 200);
    const ready = await get(`${await node!.statusUrl()}/readyz?verbose`);
    assert.equal(ready.status, 200, ready.body);
  });

  it('serves what it has when the newest file on disk is damaged, and catches up when the control plane is back', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    const [node] = system.nodes;
    await system.apply([service('a', [echo.port]), route('a', '/', 'a')]);
    await node!.kill();
    await system.admin.apply([route('b', '/b', 'a')]);
    await system.controlPlane.stop();
    await node!.start();
    await system.controlPlane.start();
    const revision = await system.admin.apply([route('c', '/c', 'a')]);
    await system.admin.waitUntilApplied(revision, ['node-1']);
  });

  it('without anything on disk is not ready and opens no port', async (t) => {
    const controlPlane = await startControlPlane(t);
    await controlPlane.admin.apply([gateway()]);
    await controlPlane.stop();
    const node = await startNode(t, { controlPlane });
    const ready = await get(`${await node.statusUrl()}/readyz?verbose`);
    assert.equal(ready.status, 503);
    assert.ok(!node.child.logs.some((line) => line['listener'] === 'http'));
  });
});

describe('a node that cannot take a revision', () => {
  it('invariant 5: keeps serving the old one, tells which listener failed, and recovers by itself', async (t) => {
    const echo = await startEcho(t);
    const system = await startSystem(t);
    const [node] = system.nodes;
    await system.apply([service('a', [echo.port]), route('a', '/', 'a')]);
    const url = await node!.trafficUrl('http');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const revision = await system.admin.apply([
      gateway({
        listeners: [
          { name: 'http', address: '127.0.0.1', port: 0 },
          { name: 'more', address: '127.0.0.1', port },
        ],
      }),
      route('b', '/b', 'a', { hosts: ['b.test'] }),
    ]);
    const status = await eventually(() => system.admin.revisionStatus(revision), {
      what: 'the node refuses',
      until: ({ state }) => state === 'rejected',
    });
    const text = JSON.stringify(status);
    assert.match(
      text,
      /"listener_failed","resource":"gateway\/default","pointer":"\/spec\/listeners\/1\/port"/,
    );
    assert.match(text, /EADDRINUSE/);
    assert.equal((await get(url)).status, 200);
    const shown = (await system.admin.call('GET', 'nodes/node-1')).field('status', 'state');
    assert.equal(shown, 'REJECTED');
    await new Promise((resolve) => taken.close(resolve));
    await eventually(() => system.admin.revisionStatus(revision), {
      what: 'the node recovers',
      until: ({ state }) => state === 'applied',
    });
    assert.equal((await get(`http://127.0.0.1:${port}/`)).status, 200);
  });
});

describe('secrets on the way', () => {
  it('invariant 11: a Secret that no object of its Gateway refers to never reaches a node', async (t) => {
    const system = await startSystem(t);
    await system.apply([
      { kind: 'Secret', metadata: { name: 's' }, spec: { data: { key: 'the-very-secret-value' } } },
    ]);
    const [node] = system.nodes;
    const dump = await eventually(() => system.admin.call('GET', 'nodes/node-1/configDump'), {
      what: 'a dump',
      until: ({ status }) => status === 200,
    });
    assert.doesNotMatch(dump.text, /the-very-secret-value/);
    assert.doesNotMatch(node!.child.output.join('\n'), /the-very-secret-value/);
    assert.doesNotMatch(
      await readFile(`${system.controlPlane.dataDir}/control-plane/causeway.db-wal`, 'latin1'),
      /the-very-secret-value/,
    );
  });
});
