// What Consumers may over all Routes together: on a node of two workers, on two nodes, and by the calendar, with a real Redis.

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

const keyOf = (name: string): string => `${name}-has-a-key-of-its-own`;

function consumer(name: string, spec: object): Resource {
  return {
    kind: 'Consumer',
    metadata: { name },
    spec: { keys: [{ name: 'k', value: keyOf(name) }], ...spec },
  };
}

describe('limits and quotas of Consumers', () => {
  const owner = new OwnScope();
  const agent = new Agent({ connections: 32 });
  let system: System;
  let redis: RedisServer;
  let urls: string[];

  const hour = { per: '24h' };
  const monthly = (requests: number) =>
    consumer('monthly', { quotas: [{ name: 'm', requests, per: 'month' }] });

  before(async () => {
    const echo = await startEcho(owner);
    redis = await startRedis(owner, { flags: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const keyed = (name: string, ...filters: object[]) =>
      route(name, `/${name}`, 'echo', { filters: [{ apiKey: {} }, ...filters] });
    system = await startSystem(owner, {
      nodes: ['node-1', 'node-2'],
      resources: [
        gateway({ redis: { url: `redis://127.0.0.1:${redis.port}`, timeout: '1s' } }),
        service('echo', [echo.port]),
        keyed('a'),
        keyed('b'),
        keyed('closed', { authorize: { rules: [{ allow: { groups: ['nobody'] } }] } }),
        route('open', '/open', 'echo'),
        consumer('here', { limits: [{ name: 'hourly', requests: 30, ...hour }] }),
        consumer('all', { limits: [{ name: 'hourly', requests: 30, ...hour, scope: 'cluster' }] }),
        consumer('both', {
          limits: [
            { name: 'here', requests: 20, ...hour },
            { name: 'all', requests: 10, ...hour, scope: 'cluster' },
          ],
          quotas: [{ name: 'daily', requests: 1000, per: 'day', timeZone: 'Asia/Kathmandu' }],
        }),
        consumer('free', {}),
        monthly(40),
      ],
    });
    urls = await Promise.all(system.nodes.map((node) => node.trafficUrl()));
  });
  after(async () => {
    await agent.close();
    await owner.end();
  });

  const ask = async (who: string, path: string, node = 0) => {
    const headers = { 'x-api-key': keyOf(who) };
    const answer = await request(`${urls[node]}/${path}`, { headers, dispatcher: agent });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  };
  const passed = async (count: number, who: string, paths: readonly string[], nodes: readonly number[]) => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        ask(who, paths[n % paths.length]!, nodes[Math.floor(n / paths.length) % nodes.length]),
      ),
    );
    return answers.filter(({ status }) => status === 200).length;
  };

  it('count over all Routes, on each node or over all, and not what is refused', async () => {
    assert.equal(await passed(20, 'here', ['closed'], [0]), 0);
    assert.equal(await passed(60, 'here', ['a', 'b'], [0]), 30);
    assert.equal(await passed(60, 'here', ['a', 'b'], [1]), 30);
    assert.equal(await passed(100, 'all', ['a', 'b'], [0, 1]), 30);
    assert.equal(await passed(60, 'free', ['a', 'b', 'open'], [0, 1]), 60);
    const refused = await ask('all', 'a');
    const { reason, 'violated-policies': violated } = JSON.parse(refused.body) as Record<string, unknown>;
    assert.deepEqual([refused.status, reason, violated], [429, 'rate_limited', ['hourly']]);
    assert.match(String(refused.headers['ratelimit']), /^"hourly";r=0;t=\d+$/);
  });

  it('cost nothing where one of them is used up', async () => {
    assert.equal(await passed(40, 'both', ['a'], [0, 1]), 10);
    // What all nodes refused took nothing of the node's own.
    const { headers } = await ask('both', 'a');
    assert.match(
      String(headers['ratelimit']),
      /^"here";r=(?:1[0-9]|20);t=\d+, "all";r=0;t=\d+, "daily";r=990;t=\d+$/,
    );
    assert.match(String(headers['ratelimit-policy']), /"daily";q=1000;w=86400$/);
  });

  it('hold a quota until the end of its month, over restarts of nodes and of Redis', async () => {
    assert.equal(await passed(25, 'monthly', ['a', 'b'], [0, 1]), 25);
    await system.nodes[0]!.kill();
    await redis.kill();
    await redis.start();
    await system.nodes[0]!.start();
    urls[0] = await system.nodes[0]!.trafficUrl();
    await eventually(() => ask('monthly', 'a', 1), {
      what: 'Redis counts again',
      until: ({ headers }) => /"m";r=\d+/.test(String(headers['ratelimit'])),
    });
    const left = Number(/"m";r=(\d+)/.exec(String((await ask('monthly', 'a')).headers['ratelimit']))?.[1]);
    assert.ok(left <= 13 && left >= 0, String(left));
    assert.equal(await passed(30, 'monthly', ['a', 'b'], [0, 1]), left);
    const refused = await ask('monthly', 'a');
    const { reason } = JSON.parse(refused.body) as Record<string, unknown>;
    const now = new Date();
    const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
    assert.deepEqual([refused.status, reason], [429, 'quota_exceeded']);
    assert.ok(Math.abs(Number(refused.headers['retry-after']) - (end - now.getTime()) / 1000) < 30);
    // Who gets more goes on with what he has used.
    await system.apply([monthly(45)]);
    assert.equal(await passed(10, 'monthly', ['a'], [1]), 5);
  });

  it('let pass uncounted what Redis does not count', async () => {
    await redis.kill();
    assert.equal(await passed(20, 'monthly', ['a'], [1]), 20);
    const metrics = await scrape(system.nodes[1]!);
    assert.equal(metrics.value('causeway_quota_uncounted_requests_total'), 20);
    // Each node its half of what all count together.
    assert.equal(await passed(60, 'all', ['a'], [0, 1]), 30);
    await redis.start();
  });
});
