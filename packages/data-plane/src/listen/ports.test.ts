import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Agent } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, askHead, keepAliveAgent, openSocket, readToEnd, until } from '../testing/http-client.ts';
import {
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';
import { needsReusePort } from './assert-port-free.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === 'IPv6'),
);

interface Bind {
  readonly address: string;
  readonly port: number;
}

const gatewayOn = (...binds: Bind[]) =>
  gatewayItem({ listeners: binds.map((bind, at) => ({ name: at === 0 ? 'http' : `other-${at}`, ...bind })) });

/** Opens a port that is not the node's; closed with the test. */
async function squat(context: TestContext, bind: Bind, reusePort = false): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ host: bind.address, port: bind.port, reusePort });
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A node on `binds` before an upstream that answers `ok`, and to `/long` in pieces until `finish` is called. */
async function started(context: TestContext, ...binds: Bind[]) {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const upstream = await startUpstream(context, async (request, response) => {
    if (request.url !== '/long') return response.end('ok');
    const pieces = setInterval(() => response.write('piece '), 5);
    await finished;
    clearInterval(pieces);
    return response.end('end');
  });
  const fixture = await startNode(context, {
    items: [gatewayOn(...binds), routeItem('r', '/'), serviceItem('r')],
    endpoints: [endpoints('r', [upstream.port])],
  });
  return { fixture, finish };
}

/** Clients of `port` on kept and on new connections, and one download; `stop` gives what failed. */
async function underLoad(context: TestContext, port: number, finish: () => void) {
  const failures: string[] = [];
  let requests = 0;
  const over = new AbortController();
  const client = async (agent?: Agent) => {
    while (!over.signal.aborted) {
      try {
        const { status, headers } = await ask({ port, ...(agent && { agent }) });
        if (status !== 200) failures.push(`status ${status}`);
        if (agent !== undefined && headers.connection === 'close') failures.push('told to leave');
      } catch (error) {
        failures.push(String(error));
      }
      requests += 1;
    }
  };
  const download = await askHead({ port, path: '/long' });
  let received = '';
  download.on('data', (chunk) => (received += chunk));
  download.on('error', (error) => failures.push(`download: ${error}`));
  const clients = [client(keepAliveAgent(context)), client(keepAliveAgent(context)), client(), client()];
  const stop = async (): Promise<string[]> => {
    const before = requests;
    await until('the load has gone on', () => requests > before + 4);
    over.abort();
    await Promise.all(clients);
    finish();
    await once(download, 'close');
    assert.match(received, /end$/);
    return failures;
  };
  await until('load has begun', () => requests > 20);
  return { stop };
}

async function refuse(fixture: NodeFixture, pattern: RegExp, ...binds: Bind[]): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const problems = await fixture.apply({ items: [gatewayOn(...binds)] });
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.detail ?? '', pattern);
    await sleep(10);
  }
}

describe('ports that change', () => {
  for (const [from, to] of [
    ['127.0.0.1', '0.0.0.0'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '::'],
  ] as const) {
    const skip = to === '::' && !hasIPv6 ? 'this machine has no IPv6' : false;
    it(`fails no request when ${from} to ${to} is refused for another port (invariants 5 and 12)`, {
      skip,
    }, async (context) => {
      const port = await freePort();
      const taken = await squat(context, { address: '127.0.0.1', port: 0 });
      const { fixture, finish } = await started(context, { address: from, port });
      const load = await underLoad(context, port, finish);
      await refuse(fixture, /in use/, { address: to, port }, { address: '127.0.0.1', port: taken });
      assert.deepEqual(await load.stop(), []);
    });

    it(`fails no request when ${from} moves to ${to} and back (invariant 12)`, { skip }, async (context) => {
      const port = await freePort();
      const { fixture, finish } = await started(context, { address: from, port });
      const load = await underLoad(context, port, finish);
      for (let move = 0; move < 10; move += 1) {
        const address = move % 2 === 0 ? to : from;
        assert.deepEqual(await fixture.apply({ items: [gatewayOn({ address, port })] }), []);
        await sleep(10);
      }
      assert.deepEqual(await load.stop(), []);
    });
  }

  it('serves the clients that a narrower port had taken when the change is refused after all (invariant 12)', async (context) => {
    const [port, other] = [await freePort(), await freePort()];
    const wide = [port, other].map((each) => ({ address: '0.0.0.0', port: each }));
    const { fixture, finish } = await started(context, ...wide);
    const load = await underLoad(context, port, finish);
    const absent = { address: '192.0.2.77', port: other };
    await refuse(fixture, /192\.0\.2\.77/, { address: '127.0.0.1', port }, absent);
    assert.deepEqual(await load.stop(), []);
    assert.equal((await ask({ port: other })).body, 'ok');
  });

  it('closes all of a port that has moved once it leaves the Gateway', async (context) => {
    const [port, other] = [await freePort(), await freePort()];
    const { fixture } = await started(context, { address: '127.0.0.1', port });
    const idle = await openSocket(context, port);
    await fixture.apply({ items: [gatewayOn({ address: '0.0.0.0', port })] });
    assert.equal((await ask({ port })).body, 'ok');
    await fixture.apply({ items: [gatewayOn({ address: '127.0.0.1', port: other })] });
    assert.equal(await readToEnd(idle), '');
    await assert.rejects(ask({ port }), { code: 'ECONNREFUSED' });
    assert.equal((await ask({ port: other })).body, 'ok');
  });

  it('drains connections that have moved', async (context) => {
    const port = await freePort();
    const { fixture } = await started(context, { address: '0.0.0.0', port });
    const idle = await openSocket(context, port);
    await until('it is accepted', () => fixture.node.counts.open === 1);
    await fixture.apply({ items: [gatewayOn({ address: '127.0.0.1', port })] });
    const beganMs = performance.now();
    await Promise.all([fixture.node.drain(0), readToEnd(idle)]);
    assert.ok(performance.now() - beganMs < 20_000);
  });

  it('keeps the port that the system chose when the Gateway names it', async (context) => {
    const { fixture, finish } = await started(context, { address: '127.0.0.1', port: 0 });
    const port = fixture.port();
    const load = await underLoad(context, port, finish);
    assert.deepEqual(await fixture.apply({ items: [gatewayOn({ address: '127.0.0.1', port })] }), []);
    assert.equal(fixture.port(), port);
    assert.deepEqual(await load.stop(), []);
  });
});

describe('ports of other processes', { skip: needsReusePort ? false : 'only with SO_REUSEPORT' }, () => {
  it('are not shared, even when their owner would', async (context) => {
    const taken = await squat(context, { address: '127.0.0.1', port: 0 }, true);
    const { fixture } = await started(context, { address: '127.0.0.1', port: 0 });
    await refuse(fixture, /in use \(EADDRINUSE\)/, { address: '127.0.0.1', port: taken });
  });

  it('stop a port of ours from taking their address too, and ours is served on', async (context) => {
    const port = await freePort();
    const { fixture, finish } = await started(context, { address: '127.0.0.1', port });
    await squat(context, { address: '127.0.0.2', port });
    const load = await underLoad(context, port, finish);
    await refuse(fixture, /in use \(EADDRINUSE\)/, { address: '0.0.0.0', port });
    assert.deepEqual(await load.stop(), []);
  });
});
