// Where a Gateway's Redis may be: behind TLS and a password that a Secret holds, and spread over a cluster.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { Agent, request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { startLoad } from '../../kit/load.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { type ControlPlane, type DataPlaneNode, startControlPlane, startNode } from '../../kit/processes.ts';
import { type RedisServer, startRedis, startRedisCluster } from '../../kit/redis.ts';
import { type Resource, route, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const password = 'p@ss/word';
/** What docs/rate-limits.md says that a user of Redis needs. */
const allowed = ['ping', 'select', 'eval', 'evalsha', 'time', 'get', 'set', 'incrby', 'pexpireat'].map(
  (each) => `+${each}`,
);

function gatewayOf(name: string, redis: object): Resource {
  const listeners = [{ name: 'http', address: '127.0.0.1', port: 0 }];
  return { kind: 'Gateway', metadata: { name }, spec: { listeners, redis: { timeout: '500ms', ...redis } } };
}

describe('the redis of a Gateway', () => {
  const owner = new OwnScope();
  const agent = new Agent({ connections: 32 });
  let controlPlane: ControlPlane;
  let guarded: RedisServer;
  let spread: RedisServer[];
  let nodes: Record<'guarded' | 'spread', DataPlaneNode>;

  const urlOf = (user: string): string =>
    `rediss://${user}:${encodeURIComponent(password)}@localhost:${guarded.port}/3`;

  before(async () => {
    const [authority, dir] = [await TestAuthority.create(), await tempDir(owner)];
    const server = await authority.issue({ names: ['localhost'] });
    const client = await authority.issue({ names: ['gateway'] });
    const files = { ca: authority.certificate, cert: server.certificate, key: server.key };
    for (const [name, pem] of Object.entries(files)) await writeFile(join(dir, name), pem);
    const tls = ['ca-cert', 'cert', 'key'].flatMap((name) => [
      `--tls-${name}-file`,
      join(dir, name.slice(0, name.indexOf('-') + 1 || undefined).replace('-', '')),
    ]);
    const user = ['--user', 'gateway', 'on', `>${password}`, '~causeway:*', ...allowed];
    let echo;
    [guarded, spread, echo, controlPlane] = await Promise.all([
      startRedis(owner, { tls: true, flags: [...tls, ...user, '--requirepass', 'unknown'] }),
      startRedisCluster(owner),
      startEcho(owner),
      startControlPlane(owner),
    ]);
    const limit = { requests: 100, per: '24h', scope: 'cluster', onFailure: 'deny', key: 'header:x-key' };
    const limited = (name: string): Resource =>
      route(name, '/', 'echo', { gateways: [name], filters: [{ rateLimit: limit }] });
    const revision = await controlPlane.admin.apply([
      { kind: 'Certificate', metadata: { name: 'ca' }, spec: { certificate: authority.certificate } },
      { kind: 'Certificate', metadata: { name: 'client' }, spec: { ...client } },
      { kind: 'Secret', metadata: { name: 'redis' }, spec: { data: { url: urlOf('gateway') } } },
      gatewayOf('guarded', {
        url: { secret: 'redis', key: 'url' },
        tls: { trust: ['ca'], clientCertificate: 'client' },
      }),
      gatewayOf('spread', {
        url: `redis+cluster://127.0.0.1:${spread[0]!.port},127.0.0.1:${spread[1]!.port}`,
      }),
      service('echo', [echo.port]),
      limited('guarded'),
      limited('spread'),
    ]);
    const [a, b] = await Promise.all(
      ['guarded', 'spread'].map((id) => startNode(owner, { controlPlane, id, gateway: id })),
    );
    nodes = { guarded: a!, spread: b! };
    await controlPlane.admin.waitUntilApplied(revision, ['guarded', 'spread']);
  });
  after(async () => {
    await agent.close();
    await owner.end();
  });

  const ask = async (node: DataPlaneNode, key: string) => {
    const headers = { 'x-key': key };
    const answer = await request(await node.trafficUrl(), { headers, dispatcher: agent });
    await answer.body.dump();
    return answer.statusCode;
  };
  const statuses = async (node: DataPlaneNode, count: number, key: (n: number) => string) => {
    const all = await Promise.all(Array.from({ length: count }, (_, n) => ask(node, key(n))));
    return Object.fromEntries(
      Map.groupBy(all, (status) => status)
        .entries()
        .map(([status, same]) => [status, same.length]),
    );
  };
  /** Secrets that nobody is to see anywhere. */
  const assertHidden = (texts: readonly string[]): void => {
    for (const text of texts)
      for (const secret of [password, encodeURIComponent(password)]) assert.ok(!text.includes(secret), text);
  };

  it('is asked by TLS, by user and password, and shown a certificate', async () => {
    assert.deepEqual(await statuses(nodes.guarded, 150, () => 'a'), { 200: 100, 429: 50 });
  });

  it('is left when its Secret changes, and its password stands nowhere', async () => {
    const { admin } = controlPlane;
    const secret = (user: string): Resource => ({
      kind: 'Secret',
      metadata: { name: 'redis' },
      spec: { data: { url: urlOf(user) } },
    });
    await admin.waitUntilApplied(await admin.apply([secret('stranger')]), ['guarded']);
    assert.equal(await ask(nodes.guarded, 'a'), 503);
    await admin.waitUntilApplied(await admin.apply([secret('gateway')]), ['guarded']);
    await eventually(() => ask(nodes.guarded, 'a'), {
      what: 'the count of before goes on',
      until: (status) => status === 429,
    });
    const logs = [nodes.guarded.child, controlPlane.child].flatMap((child) => child.logs);
    assert.ok(logs.some(({ msg }) => /WRONGPASS/.test(msg)));
    assertHidden(logs.map((line) => JSON.stringify(line)));
    const dump = await admin.call('GET', 'nodes/guarded/configDump');
    assert.match(dump.text, /"isEncrypted": ?true/);
    assertHidden([dump.text]);
  });

  it('may be told otherwise under load: no request is decided without it', async (t) => {
    const load = startLoad(t, {
      port: await nodes.spread.trafficPort(),
      request: 'GET / HTTP/1.1\r\nHost: a\r\nX-Key: load\r\n\r\n',
      faultOf: ({ status }) => (status === 200 || status === 429 ? undefined : String(status)),
    });
    const { admin } = controlPlane;
    for (const timeout of ['600ms', '700ms', '500ms']) {
      const redis = { url: `redis+cluster://127.0.0.1:${spread[0]!.port}`, timeout };
      await admin.waitUntilApplied(await admin.apply([gatewayOf('spread', redis)]), ['spread']);
    }
    assert.deepEqual((await load.stop()).reasons, {});
  });

  it('may be a cluster: keys are spread, and each is exact', async () => {
    assert.deepEqual(await statuses(nodes.spread, 600, (n) => `k${n % 4}`), { 200: 400, 429: 200 });
    await statuses(nodes.spread, 200, (n) => `more ${n}`);
    for (const server of spread) assert.ok((await server.keys()).length > 20);
  });

  it('costs only those whose node of the cluster does not answer, and these not for long', async () => {
    spread[2]!.hang();
    for (let round = 0; round < 10; round += 1) {
      const told = await statuses(nodes.spread, 60, (n) => `round ${round} ${n}`);
      assert.ok(told[200]! > 20, JSON.stringify(told));
    }
    const late = async (): Promise<number> =>
      (await scrape(nodes.spread)).value('causeway_redis_requests_total', { result: 'late' });
    const lateBefore = await late();
    await statuses(nodes.spread, 100, (n) => `last ${n}`);
    assert.equal(await late(), lateBefore, 'nobody waits any more');
    assert.ok((await scrape(nodes.spread)).value('causeway_redis_circuit_open') >= 1);
    spread[2]!.goOn();
    await eventually(() => statuses(nodes.spread, 30, (n) => `again ${n}`), {
      what: 'all nodes are asked again',
      until: (told) => told[200] === 30,
    });
  });
});
