// Limits that two nodes of two workers hold together in a real Redis: exact while it answers, and what onFailure says while it does not.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { type RedisServer, startRedis } from '../../kit/redis.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const timeoutMs = 200;

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
        limited('plain', { requests: 500, per: '1h' }),
        limited('local', { requests: 40, per: '1h' }),
        limited('allow', { requests: 1, per: '1h', onFailure: 'allow' }),
        limited('deny', { requests: 1000, per: '1h', onFailure: 'deny' }),
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

  it('lets exactly the limit pass over two nodes, and says what is left', async () => {
    const first = await ask(0, 'plain');
    assert.deepEqual(
      [first.headers['ratelimit-policy'], first.headers['ratelimit']],
      ['"rateLimit";q=500;w=3600', '"rateLimit";r=499;t=8'],
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
    assert.match(String(refused.headers['retry-after']), /^[1-8]$/);
    for (const key of await redis.keys()) assert.match(key, /^causeway:\{[\w-]{22}\}[\w-]{16}$/);
  });

  it('begins anew when the numbers of a limit change', async () => {
    await system.apply([limited('plain', { requests: 20, per: '1h' })]);
    assert.deepEqual(await statuses(50, 'plain'), { 200: 20, 429: 30 });
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
    it(`does what onFailure says while Redis ${how}, within the deadline, and counts again when it is back`, async () => {
      await begin();
      const beganMs = performance.now();
      const [local, allow, deny] = await Promise.all([
        statuses(100, 'local'),
        statuses(100, 'allow'),
        statuses(100, 'deny'),
      ]);
      // Each node its half.
      assert.deepEqual(local, how === 'hangs' ? { 200: 40, 429: 60 } : { 429: 100 });
      assert.deepEqual([allow, deny], [{ 200: 100 }, { 503: 100 }]);
      // Far less than a deadline for each request of a connection.
      assert.ok(performance.now() - beganMs < 20 * timeoutMs);
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
    });
});
