// What stands in the place of Redis and is none, or not the one that was meant: limits do as their onFailure says, and nobody gets a 500.

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { type RedisServer, startRedis } from '../../kit/redis.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const key = 'acme-has-a-key-of-its-own';
const limit = (onFailure: string) => ({
  rateLimit: { requests: 5, per: '24h', scope: 'cluster', onFailure },
});
const limited = (name: string, ...filters: object[]): Resource =>
  route(name, `/${name}`, 'echo', { filters });

describe('in the place of Redis', () => {
  const scope = new OwnScope();
  const sockets = new Set<Socket>();
  let answer = '+OK\r\n';
  /** Whether it answers anything but questions. */
  let isAlive = true;
  let connections = 0;
  let system: System;
  let url: string;
  let redis: RedisServer;

  before(async () => {
    const impostor = createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', (bytes) => {
        const commands = bytes.toString('latin1').match(/^\*\d+\r$/gm) ?? [''];
        const isQuestion = /evalsha/i.test(bytes.toString('latin1'));
        if (isAlive) for (const _ of commands) socket.write(isQuestion ? answer : '+OK\r\n');
      });
    });
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    scope.after(() => {
      impostor.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = impostor.address() as { port: number };
    const echo = await startEcho(scope);
    redis = await startRedis(scope);
    system = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ redis: { url: `redis://:secret@127.0.0.1:${port}` }, legacyRateLimitHeaders: true }),
        service('echo', [echo.port]),
        limited('allow', limit('allow')),
        limited('deny', limit('deny')),
        limited('joint', { name: 'a', ...limit('deny') }, { name: 'b', ...limit('deny') }),
        limited('who', { apiKey: {} }),
        {
          kind: 'Consumer',
          metadata: { name: 'acme' },
          spec: { keys: [{ name: 'k', value: key }], quotas: [{ name: 'q', requests: 1, per: 'day' }] },
        },
      ],
    });
    url = await system.nodes[0]!.trafficUrl();
  });
  after(() => scope.end());

  async function statusOf(path: string): Promise<number> {
    const { statusCode, body } = await request(`${url}/${path}`, { headers: { 'x-api-key': key } });
    await body.dump();
    return statusCode;
  }

  const answers = [
    '+OK\r\n',
    ':7\r\n',
    '*0\r\n',
    '*1\r\n$3\r\nabc\r\n',
    '*1\r\n$-1\r\n',
    '*1\r\n$3\r\n1.5\r\n',
    '$-1\r\n',
  ];
  for (const text of answers)
    it(`nobody is believed who answers ${JSON.stringify(text)}`, async () => {
      answer = text;
      const statuses = [];
      for (const path of ['allow', 'deny', 'joint', 'who']) statuses.push(await statusOf(path));
      assert.deepEqual(statuses, [200, 503, 503, 200]);
    });

  it('who takes connections and does not log in is left for others', async () => {
    isAlive = false;
    for (const socket of sockets) socket.destroy();
    const earlier = connections;
    // The first of them hangs for ever.
    await eventually(() => connections, { what: 'it is left', until: (count) => count >= earlier + 2 });
    isAlive = true;
    answer = '*1\r\n:5\r\n';
    for (const socket of sockets) socket.destroy();
    await eventually(() => statusOf('deny'), {
      what: 'it is asked again',
      until: (status) => status === 200,
    });
  });

  it('who has not the database that was meant is no place to count in', async () => {
    await system.apply([gateway({ redis: { url: `redis://127.0.0.1:${redis.port}/77` } })]);
    assert.equal(await statusOf('deny'), 503);
    const metrics = await scrape(system.nodes[0]!);
    assert.equal(metrics.value('causeway_redis_circuit_open', {}), 1);
    assert.deepEqual(await redis.keys(), []);
  });

  it('a server of no cluster is named as such where a cluster was meant', async () => {
    await system.apply([gateway({ redis: { url: `redis+cluster://127.0.0.1:${redis.port}` } })]);
    await eventually(() => system.nodes[0]!.child.logs.map(({ msg }) => msg), {
      what: 'the log says so',
      until: (lines) =>
        lines.some((line) => /no server tells of a cluster: .*cluster support disabled/.test(line)),
    });
    assert.equal(await statusOf('deny'), 503);
  });

  it('a replica that takes no counts is logged once', async () => {
    await redis.ask('REPLICAOF', '127.0.0.1', '1');
    await system.apply([gateway({ redis: { url: `redis://127.0.0.1:${redis.port}` } })]);
    const logs = () =>
      system.nodes[0]!.child.logs.filter(({ msg }) => msg.startsWith('Redis does not answer')).length;
    const earlier = logs();
    const until = Date.now() + 1500;
    while (Date.now() < until) assert.equal(await statusOf('deny'), 503);
    assert.ok(logs() - earlier <= 2, `${logs() - earlier} lines`);
    await redis.ask('REPLICAOF', 'NO', 'ONE');
    await eventually(() => statusOf('deny'), { what: 'it counts again', until: (status) => status === 200 });
  });
});
