// What balancing promises, of a node of two workers: counted at the upstreams.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import type { Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem, type System } from '../kit/processes.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { startSlow } from '../kit/upstreams/slow.ts';
import { FickleUpstream } from './mendable-upstream.ts';
import { scaled } from './scale.ts';

const healthCheck = {
  active: { path: '/healthz', interval: '100ms', timeout: '300ms', unhealthyAfter: 2, healthyAfter: 2 },
};
const names = ['a', 'b', 'c', 'd'];

async function startFour(owner: Owner): Promise<FickleUpstream[]> {
  const upstreams = names.map((name) => new FickleUpstream(owner, name));
  await Promise.all(upstreams.map((upstream) => upstream.start()));
  return upstreams;
}

const portsOf = (upstreams: readonly { readonly port: number }[]): number[] =>
  upstreams.map(({ port }) => port);

async function endpointsAre(node: DataPlaneNode, state: string, count: number): Promise<void> {
  await eventually(() => scrape(node), {
    what: `${count} endpoints are ${state}`,
    until: (metrics) =>
      metrics.value('causeway_service_endpoints', { service: 'default/s', state }) === count,
  });
}

describe('one of four endpoints that is ten times slower, with 64 requests in flight', () => {
  for (const policy of ['leastRequest', 'peakEwma'])
    test(`gets less than a tenth of them under ${policy}`, async (t) => {
      const upstreams = await Promise.all(
        [500, 50, 50, 50].map((headDelayMs) => startSlow(t, { headDelayMs, bodyBytes: 1 })),
      );
      const system = await startSystem(t, {
        resources: [
          gateway(),
          service('s', portsOf(upstreams), { loadBalancing: { policy } }),
          route('r', '/', 's'),
        ],
      });
      const port = await system.nodes[0]!.trafficPort();
      const load = startLoad(t, { port, request: 'GET / HTTP/1.1\r\nhost: a.test\r\n\r\n', connections: 64 });
      const wanted = scaled(2000, 20_000);
      await eventually(() => load.result.ok, { what: `${wanted} answers`, until: (ok) => ok >= wanted });
      const { failed } = await load.stop();
      assert.equal(failed, 0);
      const counts = upstreams.map(({ started }) => started);
      const share = counts[0]! / counts.reduce((sum, count) => sum + count, 0);
      t.diagnostic(`${policy}: ${counts.join(', ')}: ${(100 * share).toFixed(1)} %`);
      assert.ok(share < 0.1, counts.join(', '));
      const [low, high] = [Math.min(...counts.slice(1)), Math.max(...counts.slice(1))];
      assert.ok(high < 2 * low, `the fast ones: ${counts.join(', ')}`);
    });
});

describe('consistent hashing', () => {
  test('moves the keys of an endpoint that is ill and no others, in every worker, and brings them back', async (t) => {
    const upstreams = await startFour(t);
    const loadBalancing = { policy: 'consistentHash', hash: 'header:x-user-id' };
    const system = await startSystem(t, {
      resources: [
        gateway(),
        service('s', portsOf(upstreams), { loadBalancing, healthCheck }),
        route('r', '/', 's'),
      ],
    });
    const node = system.nodes[0]!;
    const url = await node.trafficUrl();
    await endpointsAre(node, 'healthy', 4);
    const users = Array.from({ length: 60 }, (_, index) => `user-${index}`);
    const askAll = (): Promise<string[]> => Promise.all(users.map((user) => ask(url, { 'x-user-id': user })));
    const first = await askAll();
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(await askAll(), first);
    upstreams[2]!.set({ health: 503 });
    await endpointsAre(node, 'unhealthy', 1);
    const second = await askAll();
    for (const [index, name] of first.entries()) {
      if (name === 'c') assert.notEqual(second[index], 'c');
      else assert.equal(second[index], name);
    }
    assert.deepEqual(await askAll(), second);
    upstreams[2]!.set({ health: 200 });
    await endpointsAre(node, 'healthy', 4);
    assert.deepEqual(await askAll(), first);
  });
});

describe('priorities', () => {
  test('lead to the next group while nobody of the best is well', async (t) => {
    const upstreams = await startFour(t);
    const endpoints = upstreams.map(({ port }, index) => ({
      address: '127.0.0.1',
      port,
      priority: index >> 1,
    }));
    const spec = { endpoints, loadBalancing: { policy: 'first' }, healthCheck };
    const system = await startSystem(t, {
      resources: [gateway(), service('s', [], spec), route('r', '/', 's')],
    });
    const node = system.nodes[0]!;
    const url = await node.trafficUrl();
    const answering = async (): Promise<string> => {
      const seen = new Set<string>();
      for (let count = 0; count < 20; count += 1) seen.add(await ask(url));
      return [...seen].toSorted().join('');
    };
    await endpointsAre(node, 'healthy', 4);
    assert.equal(await answering(), 'ab');
    upstreams[0]!.set({ health: 503 });
    await endpointsAre(node, 'unhealthy', 1);
    assert.equal(await answering(), 'b');
    upstreams[1]!.set({ health: 503 });
    await endpointsAre(node, 'unhealthy', 2);
    assert.equal(await answering(), 'cd');
    upstreams[0]!.set({ health: 200 });
    await endpointsAre(node, 'healthy', 3);
    assert.equal(await answering(), 'a');
  });
});

describe('zones', () => {
  test('keep requests near while enough of the zone are well', async (t) => {
    const upstreams = await startFour(t);
    const endpoints = upstreams.map(({ port }, index) => ({
      address: '127.0.0.1',
      port,
      zone: index < 2 ? 'here' : 'there',
    }));
    const spec = { endpoints, loadBalancing: { zone: 'prefer', spillPercent: 60 }, healthCheck };
    const system = await startSystem(t, {
      nodeFlags: ['--label', 'zone=here'],
      resources: [gateway(), service('s', [], spec), route('r', '/', 's')],
    });
    const node = system.nodes[0]!;
    const url = await node.trafficUrl();
    const seen = async (): Promise<string> => {
      const all = await Promise.all(Array.from({ length: 24 }, () => ask(url)));
      return [...new Set(all)].toSorted().join('');
    };
    await endpointsAre(node, 'healthy', 4);
    assert.equal(await seen(), 'ab');
    upstreams[0]!.set({ health: 503 });
    await endpointsAre(node, 'unhealthy', 1);
    assert.equal(await seen(), 'bcd');
    upstreams[0]!.set({ health: 200 });
    await endpointsAre(node, 'healthy', 4);
    assert.equal(await seen(), 'ab');
  });
});

describe('sessions by cookie', () => {
  test('outlive a change of their Service, and the log tells which have moved', async (t) => {
    const upstreams = await startFour(t);
    const log = join(await tempDir(t), 'access.log');
    const resources = (more: object = {}): Resource[] => [
      gateway({ accessLog: { output: `file:${log}` } }),
      service('s', portsOf(upstreams), { affinity: { cookie: {} }, healthCheck, ...more }),
      route('r', '/', 's'),
    ];
    const system: System = await startSystem(t, { resources: resources() });
    const node = system.nodes[0]!;
    const url = await node.trafficUrl();
    await endpointsAre(node, 'healthy', 4);
    const jars = Array.from({ length: 12 }, (): Jar => ({ cookie: undefined, cookies: 0 }));
    const askAll = (): Promise<string[]> => Promise.all(jars.map((jar) => ask(url, {}, jar)));
    const first = await askAll();
    assert.deepEqual([...new Set(first)].toSorted(), names);
    // All that chooses, and all connections, are made anew.
    await system.apply(resources({ pool: { maxConnections: 100 } }));
    assert.deepEqual(await askAll(), first);
    await endpointsAre(node, 'healthy', 4);
    upstreams[1]!.set({ health: 503 });
    await endpointsAre(node, 'unhealthy', 1);
    const second = await askAll();
    const orphans = first.filter((name) => name === 'b').length;
    for (const [index, name] of first.entries())
      if (name === 'b') assert.notEqual(second[index], 'b');
      else assert.equal(second[index], name);
    assert.equal(jars.filter(({ cookies }) => cookies === 2).length, orphans);
    upstreams[1]!.set({ health: 200 });
    await endpointsAre(node, 'healthy', 4);
    assert.deepEqual(await askAll(), second, 'nobody is torn away again');
    const count = async (affinity: string): Promise<number> =>
      (await readFile(log, 'utf8')).split(`"affinity":"${affinity}"`).length - 1;
    await eventually(async () => [await count('new'), await count('moved')], {
      what: 'the access log tells which sessions began and moved',
      until: ([began, moved]) => began === jars.length && moved === orphans,
    });
  });
});

/** The one cookie that a client has, and how often it was set. */
interface Jar {
  cookie: string | undefined;
  cookies: number;
}

/** Gives who answered; each time on a connection of its own, so that any worker may get it. */
async function ask(url: string, headers: Record<string, string> = {}, jar?: Jar): Promise<string> {
  const cookies = jar?.cookie === undefined ? {} : { cookie: jar.cookie };
  const answer = await request(url, { reset: true, headers: { ...headers, ...cookies } });
  const text = await answer.body.text();
  assert.equal(answer.statusCode, 200, text);
  const set = answer.headers['set-cookie'];
  if (jar !== undefined && set !== undefined) {
    jar.cookie = String(set).split(';', 1)[0]!;
    jar.cookies += 1;
  }
  return text;
}
