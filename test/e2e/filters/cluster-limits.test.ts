// Limits that two nodes of two workers hold together in a real Redis: exact while it answers, and what onFailure says while it does not.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { startLoad } from '../../kit/load.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { type RedisServer, startRedis } from '../../kit/redis.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const timeoutMs = 1000;
const metered = { key: ['header:x-tenant', 'route'], cost: { responseHeader: 'x-cost' } };

describe('rateLimit with scope cluster', () => {
  const owner = new OwnScope();
  const agent = new Agent({ connections: 32 });
  let system: System;
  let redis: RedisServer;
  let urls: string[];

  const limited = (name: string, rateLimit: object): Resource =>
    route(name, `/${name}`, 'echo', { filters: [{ rateLimit: { scope: 'cluster', ...rateLimit } }] });

  before(async () => {
    const echo = await startEcho(owner);
    redis = await startRedis(owner);
    system = await startSystem(owner, {
      nodes: ['node-1', 'node-2'],
      resources: [
        gateway({ redis: { url: `redis://127.0.0.1:${redis.port}`, timeout: `${timeoutMs}ms` } }),
        service('echo', [echo.port]),
        limited('plain', { requests: 500, per: '24h' }),
        limited('local', { requests: 40, per: '24h' }),
        limited('allow', { requests: 1, per: '24h', onFailure: 'allow' }),
        limited('deny', { requests: 1000, per: '24h', onFailure: 'deny' }),
        limited('loaded', { requests: 1_000_000, per: '24h' }),
        route('two', '/two', 'echo', {
          filters: [
            { name: 'a', rateLimit: { requests: 50, per: '24h', scope: 'cluster' } },
            { name: 'b', rateLimit: { requests: 20, per: '24h', scope: 'cluster' } },
          ],
        }),
        route('metered', '/metered', 'echo', {
          filters: [
            { rateLimit: { requests: 100, per: '24h', scope: 'cluster', ...metered } },
            { headers: { response: { set: { 'x-cost': '30' } } } },
          ],
        }),
      ],
    });
    urls = await Promise.all(system.nodes.map((node) => node.trafficUrl()));
  });
  after(async () => {
    await agent.close();
    await owner.end();
  });

  const ask = async (node: number, path: string, headers: Record<string, string> = {}) => {
    const answer = await request(`${urls[node]}/${path}`, { headers, dispatcher: agent });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  };
  /** How often so many requests, on both nodes in turn, were answered with each status. */
  const statuses = async (count: number, path: string, headers?: (n: number) => Record<string, string>) => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) => ask(n % 2, path, headers?.(n))),
    );
    return Object.fromEntries(
      Map.groupBy(answers, ({ status }) => status)
        .entries()
        .map(([status, all]) => [status, all.length]),
    );
  };

  /** Questions to Redis with this result, of both nodes. */
  const asked = async (result: string): Promise<number> => {
    const all = await Promise.all(system.nodes.map(scrape));
    return all.reduce((sum, metrics) => sum + metrics.value('causeway_redis_requests_total', { result }), 0);
  };

  it('lets exactly the limit pass over two nodes, and says what is left', async () => {
    const first = await ask(0, 'plain');
    assert.deepEqual(
      [first.headers['ratelimit-policy'], first.headers['ratelimit']],
      ['"rateLimit";q=500;w=86400', '"rateLimit";r=499;t=173'],
    );
    assert.match(String((await ask(1, 'plain')).headers['ratelimit']), /^"rateLimit";r=498;/);
    // A header that anybody can write makes no other client.
    assert.deepEqual(await statuses(800, 'plain', (n) => ({ 'x-forwarded-for': `198.51.100.${n}` })), {
      200: 498,
      429: 302,
    });
    const refused = await ask(0, 'plain');
    const { reason, 'violated-policies': violated } = JSON.parse(refused.body) as Record<string, unknown>;
    assert.deepEqual([refused.status, reason, violated], [429, 'rate_limited', ['rateLimit']]);
    assert.match(String(refused.headers['retry-after']), /^1[67][0-9]$/);
    for (const key of await redis.keys()) assert.match(key, /^causeway:\{[\w-]{22}\}[\w-]{16}$/);
  });

  it('begins anew when the numbers of a limit change', async () => {
    await system.apply([limited('plain', { requests: 20, per: '24h' })]);
    assert.deepEqual(await statuses(50, 'plain'), { 200: 20, 429: 30 });
  });

  it('asks once for several limits of one key, which take all or nothing', async () => {
    const askedBefore = await asked('answered');
    assert.deepEqual(await statuses(60, 'two'), { 200: 20, 429: 40 });
    const refused = await ask(0, 'two');
    assert.match(String(refused.headers['ratelimit']), /^"a";r=30;t=\d+, "b";r=0;t=\d+$/);
    assert.deepEqual((JSON.parse(refused.body) as Record<string, unknown>)['violated-policies'], ['b']);
    assert.equal((await asked('answered')) - askedBefore, 61);
  });

  it('charges afterwards what an answer says, by a key of several parts', async () => {
    const left: string[] = [];
    for (const node of [0, 1, 0, 1]) {
      const { headers } = await ask(node, 'metered', { 'x-tenant': 'a' });
      left.push(/r=(\d+)/.exec(String(headers['ratelimit']))![1]!);
    }
    assert.deepEqual(left, ['70', '40', '10', '0']);
    assert.equal((await ask(0, 'metered', { 'x-tenant': 'a' })).status, 429);
    assert.equal((await ask(0, 'metered', { 'x-tenant': 'b' })).status, 200);
  });

  it('goes on when Redis has lost its scripts', async () => {
    await redis.ask('SCRIPT', 'FLUSH');
    await redis.ask('FLUSHALL');
    assert.deepEqual(await statuses(50, 'plain'), { 200: 20, 429: 30 });
  });

  for (const [how, begin, end] of [
    ['hangs', () => redis.hang(), () => redis.goOn()],
    ['is gone', () => redis.kill(), () => redis.start()],
  ] as const)
    it(`does what onFailure says while Redis ${how}, within the deadline, and counts again when it is back`, async (t) => {
      // Requests that are under way at any moment of it.
      const loads = await Promise.all(
        system.nodes.map(async (node) =>
          startLoad(t, {
            port: await node.trafficPort(),
            request: 'GET /loaded HTTP/1.1\r\nHost: a\r\n\r\n',
          }),
        ),
      );
      await begin();
      const [local, allow, deny] = await Promise.all([
        statuses(100, 'local'),
        statuses(100, 'allow'),
        statuses(100, 'deny'),
      ]);
      // Each node its half.
      assert.deepEqual(local, how === 'hangs' ? { 200: 40, 429: 60 } : { 429: 100 });
      assert.deepEqual([allow, deny], [{ 200: 100 }, { 503: 100 }]);
      // By now nobody waits any more.
      const late = await asked('late');
      await statuses(100, 'allow');
      assert.equal(await asked('late'), late);
      const refused = await ask(0, 'deny');
      assert.equal((JSON.parse(refused.body) as { reason: string }).reason, 'limits_unavailable');
      const metrics = await scrape(system.nodes[0]!);
      assert.ok(metrics.value('causeway_redis_circuit_open') >= 1);
      await end();
      for (const node of [0, 1, 0, 1, 0, 1])
        await eventually(() => ask(node, 'deny'), {
          what: 'Redis counts again',
          until: ({ status }) => status === 200,
        });
      for (const load of loads) assert.deepEqual((await load.stop()).reasons, {});
    });
});
