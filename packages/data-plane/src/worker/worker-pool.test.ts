import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@causeway/runtime/clock';
import { HealthChecks } from '@causeway/runtime/health-checks';
import { createLogger } from '@causeway/runtime/logger';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { encodeItem } from '@causeway/proto/compiled';

import {
  endpoints,
  gatewayItem,
  routeItem,
  type Serve,
  serviceItem,
  startUpstream,
} from '../testing/node-fixture.ts';
import { ask, keepAliveAgent, until } from '../testing/http-client.ts';
import { ThreadControl } from '../testing/thread-control.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';

const workers = 2;

interface Started {
  readonly pool: WorkerPool;
  readonly port: number;
  readonly replaced: string[];
  readonly threads: ThreadControl;
}

function snapshot(upstreamPort: number, gateway = gatewayItem(), service = serviceItem('r')): SnapshotUpdate {
  const changed = [gateway, routeItem('r', '/'), service];
  const set = endpoints('r', [upstreamPort]);
  return {
    revision: 1,
    items: SnapshotItems.empty.with({ upserts: changed.map(encodeItem), removedKeys: [] }),
    changed,
    removedKeys: [],
    endpoints: new Map([[set.service, set]]),
  };
}

/** Two workers before an upstream. */
async function start(
  context: TestContext,
  serve: Serve = (_request, response) => response.end('ok'),
  options: Partial<WorkerPoolOptions> = {},
  parts: (port: number) => SnapshotUpdate = snapshot,
): Promise<Started> {
  const upstream = await startUpstream(context, serve);
  const replaced: string[] = [];
  const threads = new ThreadControl(context);
  const pool = new WorkerPool({
    workers,
    blockedMs: 0,
    nodeId: 'n',
    logLevel: 'error',
    logger: createLogger({ level: 'error', write: () => {} }),
    clock: systemClock,
    otherPorts: () => [],
    onApplied: () => {},
    onReplaced: (reason) => replaced.push(reason),
    ...options,
  });
  pool.start();
  context.after(() => pool.drain(0));
  assert.deepEqual(await pool.apply(parts(upstream.port)), []);
  const dump = (await pool.configDump()) as { listeners: { port: number }[] };
  return { pool, port: dump.listeners[0]!.port, replaced, threads };
}

/** Value of a metric, over all of its series. */
async function metric(pool: WorkerPool, name: string): Promise<number> {
  const family = (await pool.collectMetrics()).find((each) => each.name === name);
  return (family?.series ?? []).reduce((sum, { values }) => sum + values[0]!, 0);
}

describe('workers', () => {
  it('are not given a plugin that never comes back', async (context) => {
    const pluginDir = mkdtempSync(join(tmpdir(), 'plugins-'));
    context.after(() => rmSync(pluginDir, { recursive: true }));
    writeFileSync(join(pluginDir, 'spins.mjs'), 'for (;;);');
    const { pool, port, replaced } = await start(context, undefined, { pluginDir, blockedMs: 1000 });
    const plugin = { case: 'plugin', value: { module: 'spins', config: '{}' } } as const;
    const changed = [routeItem('r', '/', { filters: [{ name: 'p', item: plugin }] })];
    const items = snapshot(1).items.with({ upserts: changed.map(encodeItem), removedKeys: [] });
    const problems = await pool.apply({ ...snapshot(1), revision: 2, items, changed });
    assert.deepEqual(
      problems.map(({ reason, resource }) => [reason, resource]),
      [['plugin_failed', 'route/default/r']],
    );
    assert.equal((await ask({ port })).body, 'ok');
    assert.deepEqual(replaced, []);
  });

  it('serve the same ports, and count as one', async (context) => {
    const { pool, port, threads } = await start(context);
    assert.deepEqual([pool.workers, threads.count], [workers, workers]);
    for (let request = 0; request < 40; request += 1) assert.equal((await ask({ port })).body, 'ok');
    assert.equal(await metric(pool, 'causeway_requests_total'), 40);
    const readiness = new HealthChecks();
    pool.addChecks(readiness);
    assert.equal(readiness.report().ok, true);
    await until('all connections are over', () => pool.connections === 0);
    assert.equal(pool.activeRequests, 0);
  });

  for (const [how, code, reason] of [
    ['throws', 'setTimeout(() => { throw new Error("broken"); })', 'error'],
    ['ends', 'setTimeout(() => process.exit(3))', 'error'],
    [
      'runs out of memory',
      'setTimeout(() => { const all = []; for (;;) all.push(new Array(1e6).fill(1.5)); })',
      'memory',
    ],
  ] as const)
    it(`are replaced when one ${how}; the others go on, and counts stay`, async (context) => {
      const logged: string[] = [];
      const logger = createLogger({ level: 'error', write: (line) => logged.push(line) });
      const { pool, port, replaced, threads } = await start(context, undefined, { heapMbMax: 64, logger });
      for (let request = 0; request < 20; request += 1) await ask({ port });
      assert.equal(await metric(pool, 'causeway_requests_total'), 20);
      threads.runInOne(code);
      await until('one has ended', () => replaced.length === 1, 30_000);
      assert.equal((await ask({ port })).body, 'ok');
      await until('there are as many as before', () => pool.workers === workers);
      // An update comes after the new one has taken over.
      for (let request = 0; request < 20; request += 1) assert.equal((await ask({ port })).body, 'ok');
      assert.equal(await metric(pool, 'causeway_requests_total'), 41);
      assert.deepEqual(replaced, [reason]);
      const why = JSON.parse(logged.find((line) => line.includes('has ended')) ?? '{}') as {
        err?: { stack: string };
      };
      if (how === 'throws') assert.match(why.err?.stack ?? '', /Error: broken\n +at /);
      await until('nothing is counted any more', () => pool.connections === 0 && pool.activeRequests === 0);
    });

  it('are replaced when their event loop does not turn', async (context) => {
    const { pool, port, replaced, threads } = await start(context, undefined, { blockedMs: 2000 });
    threads.runInOne('setTimeout(() => { for (;;); })');
    await until('one has ended', () => replaced.length === 1, 30_000);
    await until('there are as many as before', () => pool.workers === workers);
    for (let request = 0; request < 20; request += 1) assert.equal((await ask({ port })).body, 'ok');
    assert.deepEqual(replaced, ['blocked']);
  });

  it('are replaced one by one: what is under way ends, and nothing is refused', async (context) => {
    const gate = Promise.withResolvers<void>();
    const { pool, port, replaced, threads } = await start(context, async (request, response) => {
      if (request.url === '/slow') await gate.promise;
      response.end('ok');
    });
    const before = threads.ids;
    const agent = keepAliveAgent(context);
    const slow = ask({ port, path: '/slow', agent });
    await until('it is under way', () => pool.activeRequests === 1);
    const restarted = pool.restart();
    let isOver = false;
    void restarted.then(() => (isOver = true));
    for (let request = 0; request < 50; request += 1) assert.equal((await ask({ port })).body, 'ok');
    assert.equal(isOver, false, 'it waits for the slow one');
    gate.resolve();
    assert.equal((await slow).body, 'ok');
    await restarted;
    assert.deepEqual([pool.workers, replaced], [workers, []]);
    assert.ok(threads.ids.every((id) => !before.includes(id)));
    assert.equal(await metric(pool, 'causeway_requests_total'), 51);
  });

  it('are replaced when one dies that has just taken the place of another, which still has something under way', async (context) => {
    const gate = Promise.withResolvers<void>();
    const { pool, port, replaced, threads } = await start(
      context,
      async (request, response) => {
        if (request.url === '/slow') await gate.promise;
        response.end('ok');
      },
      { workers: 1 },
    );
    const before = threads.ids;
    const slow = ask({ port, path: '/slow', agent: keepAliveAgent(context) });
    await until('it is under way', () => pool.activeRequests === 1);
    const restarted = pool.restart();
    const next = (): string[] => threads.ids.filter((id) => !before.includes(id));
    await until('the next one is there', () => next().length === 1);
    // Comes after it has taken over; nobody answers at that upstream.
    assert.deepEqual(await pool.apply(snapshot(1)), []);
    assert.equal((await ask({ port })).status, 502);
    threads.runInOne('setTimeout(() => { throw new Error("broken"); })', next());
    await until('it has ended', () => replaced.length === 1, 30_000);
    await until('another one serves', () => pool.workers === 1);
    assert.deepEqual(await pool.apply(snapshot(1)), []);
    assert.equal((await ask({ port })).status, 502);
    gate.resolve();
    assert.equal((await slow).body, 'ok');
    await restarted;
    assert.equal(pool.workers, 1);
  });

  it('that are blocked do not hold up the end of a node', async (context) => {
    const timeouts = {
      requestHeadMs: 1000,
      requestBodyIdleMs: 1000,
      keepAliveMs: 1000,
      drainDelayMs: 0,
      drainMs: 100,
    };
    const { pool, threads } = await start(context, undefined, {}, (upstreamPort) =>
      snapshot(upstreamPort, gatewayItem({ timeouts })),
    );
    threads.runInOne('setTimeout(() => { for (;;); })');
    await sleep(100);
    await pool.drain(0);
    assert.equal(pool.workers, 0);
  });

  it('have time to begin, however soon a blocked one is replaced', async (context) => {
    const { port, replaced } = await start(context, undefined, { blockedMs: 500 });
    assert.equal((await ask({ port })).body, 'ok');
    assert.deepEqual(replaced, []);
  });

  it('that die take no update along', async (context) => {
    const { pool, port, replaced, threads } = await start(context, undefined, {
      workers: 1,
      blockedMs: 1500,
    });
    threads.runInOne('setTimeout(() => { for (;;); })');
    await sleep(100);
    assert.deepEqual(await pool.apply(snapshot(1)), []);
    assert.deepEqual(replaced, ['blocked']);
    assert.equal((await ask({ port })).status, 502);
  });

  it('share the places of an endpoint: one connection serves them all', async (context) => {
    const open = { now: 0, max: 0 };
    const serve: Serve = (request, response) => {
      const { socket } = request;
      if (!seen.has(socket)) {
        seen.add(socket);
        open.now += 1;
        open.max = Math.max(open.max, open.now);
        socket.once('close', () => (open.now -= 1));
      }
      setTimeout(() => response.end('ok'), 2);
    };
    const seen = new WeakSet<object>();
    const { port } = await start(context, serve, {}, (upstreamPort) =>
      snapshot(
        upstreamPort,
        gatewayItem(),
        serviceItem('r', { pool: { connectionsMax: 1, waitingMax: 100, idleTimeoutMs: 60_000 } }),
      ),
    );
    const bodies = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const agent = keepAliveAgent(context);
        const got: string[] = [];
        for (let request = 0; request < 10; request += 1) got.push((await ask({ port, agent })).body);
        return got;
      }),
    );
    assert.deepEqual(new Set(bodies.flat()), new Set(['ok']));
    assert.equal(open.max, 1);
  });
});
