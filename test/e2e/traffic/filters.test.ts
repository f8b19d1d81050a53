// Filters as clients meet them: what is answered without an upstream, and that a change of it is never a failed request.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { request } from 'undici';
import { startLoad } from '../../kit/load.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { headerValues } from '../../kit/raw-message.ts';
import { repository, startControlPlane, startNode, startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';

interface Seen {
  readonly status: number;
  readonly type: unknown;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function ask(
  port: number,
  path: string,
  host = 'a.test',
  method: 'GET' | 'HEAD' = 'GET',
): Promise<Seen> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, { method, headers: { host }, reset: true });
  const { statusCode: status, headers, body } = answer;
  return { status, type: headers['content-type'], body: await body.text(), headers };
}

const middleware = (name: string, filters: object[]): Resource => ({
  kind: 'Middleware',
  metadata: { name },
  spec: { filters },
});

/** A Route whose filters answer every request. */
const answering = (name: string, filters: object[]): Resource => ({
  kind: 'Route',
  metadata: { name },
  spec: { matches: [{ path: { prefix: `/${name}` } }], filters },
});

describe('deploy/examples/respond.yaml on nodes', () => {
  it('does what its comments tell', async (t) => {
    const echo = await startEcho(t);
    const controlPlane = await startControlPlane(t);
    const example = readFileSync(join(repository, 'deploy/examples/respond.yaml'), 'utf8')
      .replace('port: 8081', 'address: 127.0.0.1, port: 0')
      .replace('port: 9001', `port: ${echo.port}`);
    await controlPlane.admin.apply(example);
    const more = { gateways: ['old-shop'] };
    const revision = await controlPlane.admin.apply([gateway(), route('rest', '/', 'old-shop', more)]);
    const [shop, others] = await Promise.all([
      startNode(t, { controlPlane, id: 'shop', gateway: 'old-shop' }),
      startNode(t, { controlPlane, id: 'others' }),
    ]);
    await controlPlane.admin.waitUntilApplied(revision, ['shop', 'others']);
    const [shopPort, otherPort] = [await shop.trafficPort(), await others.trafficPort()];

    const closed = await ask(shopPort, '/cart?x=1');
    const { path, request: id, closed: isClosed } = JSON.parse(closed.body) as Record<string, unknown>;
    assert.deepEqual([closed.status, closed.type, path, isClosed], [503, 'application/json', '/cart', true]);
    assert.equal(closed.headers['retry-after'], '3600');
    assert.match(String(id), /^[0-9a-z]{16}$/);
    const front = await ask(shopPort, '/');
    assert.deepEqual(
      [front.status, front.type, front.body],
      [200, 'text/html; charset=utf-8', '<h1>The shop has moved</h1>'],
    );
    const head = await ask(shopPort, '/', 'a.test', 'HEAD');
    assert.deepEqual(
      [head.status, head.type, head.headers['content-length'], head.body],
      [200, front.type, front.headers['content-length'], ''],
    );
    assert.equal(echo.requests, 0);
    assert.equal((JSON.parse((await ask(shopPort, '/healthz')).body) as Echo).target, '/healthz');
    const live = await ask(otherPort, '/live', 'status.example.com');
    assert.deepEqual([live.status, live.body], [200, 'live is fine\n']);
  });
});

describe('filters of a living node', () => {
  it('are those of the Gateway, which a Route replaces or removes by name', async (t) => {
    const echo = await startEcho(t);
    const withDefault = gateway({ filters: [{ name: 'notice', respond: { status: 503, body: 'closed' } }] });
    const other = [{ name: 'notice', respond: { status: 410, body: 'gone' } }];
    const system = await startSystem(t, {
      resources: [
        withDefault,
        service('echo', [echo.port]),
        route('plain', '/plain', 'echo'),
        answering('other', other),
        route('open', '/open', 'echo', { filters: [{ name: 'notice', disabled: true }] }),
      ],
    });
    const port = await system.nodes[0]!.trafficPort();
    const statuses = async (): Promise<number[]> =>
      Promise.all(['/plain', '/other', '/open'].map(async (path) => (await ask(port, path)).status));
    assert.deepEqual(await statuses(), [503, 410, 200]);
    await system.apply([gateway()]);
    assert.deepEqual(await statuses(), [200, 410, 200]);
    await system.apply([withDefault, route('open', '/open', 'echo')]);
    assert.deepEqual(await statuses(), [503, 410, 503]);
  });

  it('go on with their connection, also behind HEAD and a body that nobody wants', async (t) => {
    const system = await startSystem(t, {
      resources: [gateway(), answering('a', [{ respond: { body: '${request.method} ${request.query.x}' } }])],
    });
    const client = await rawConnect(t, await system.nodes[0]!.trafficPort());
    await client.send('GET /a?x=1 HTTP/1.1\r\nhost: a\r\n\r\nHEAD /a?x=22 HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal((await client.readResponse()).body.toString(), 'GET 1');
    const head = await client.readResponse({ head: true });
    assert.deepEqual([head.status, headerValues(head, 'content-length')], [200, ['7']]);
    await client.send('POST /a?x=3 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello');
    assert.equal((await client.readResponse()).body.toString(), 'POST 3');
  });

  it('of a Middleware change at once for all Routes that refer to it, and no request fails meanwhile', async (t) => {
    const changes = 15;
    const paths = ['one', 'two', 'three'];
    const notice = (version: number): Resource =>
      middleware('notice', [{ name: 'notice', respond: { body: `version ${version}` } }]);
    const system = await startSystem(t, {
      resources: [gateway(), notice(0), ...paths.map((path) => answering(path, [{ middleware: 'notice' }]))],
    });
    const port = await system.nodes[0]!.trafficPort();
    const seen = new Set<string>();
    const loads = paths.map((path) =>
      startLoad(t, {
        port,
        connections: 2,
        request: `GET /${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`,
        faultOf: ({ status, body }) => {
          seen.add(body.toString());
          return status === 200 && /^version \d+$/.test(body.toString())
            ? undefined
            : `${status} ${body.toString()}`;
        },
      }),
    );
    for (let version = 1; version <= changes; version += 1) {
      await system.apply([notice(version)]);
      const answers = await Promise.all(paths.map(async (path) => (await ask(port, `/${path}`)).body));
      assert.deepEqual(new Set(answers), new Set([`version ${version}`]));
    }
    for (const load of loads) {
      const { ok, failed, reasons } = await load.stop();
      assert.deepEqual([failed, reasons], [0, {}]);
      assert.ok(ok > 0);
    }
    assert.ok(seen.size > changes / 2, `the load saw ${seen.size} versions`);
  });
});
