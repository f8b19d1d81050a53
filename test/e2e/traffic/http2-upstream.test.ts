// Services that speak HTTP/2, from the resource to the wire: with what clients of either version get, and connections that are sent away.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { request } from 'undici';
import { type LogLine, startChild } from '../../kit/child.ts';
import { eventually } from '../../kit/eventually.ts';
import { startLoad } from '../../kit/load.ts';
import { scrape } from '../../kit/metrics.ts';
import { type DataPlaneNode, startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';
import { type Http2Echo, startHttp2 } from '../../kit/upstreams/http2.ts';

const run = promisify(execFile);
const h2c = (name: string, port: number, spec: object = {}): Resource[] => [
  service(name, [port], { protocol: 'h2c', ...spec }),
  route(name, `/${name}`, name),
];

async function started(t: TestContext, resources: Resource[], workers = 1) {
  const system = await startSystem(t, { workers, resources: [gateway(), ...resources] });
  const [node] = system.nodes;
  return { system, node: node!, port: await node!.trafficPort(), url: await node!.trafficUrl('http') };
}

async function ask(url: string, options: Parameters<typeof request>[1] = {}) {
  const { statusCode: status, headers, body } = await request(url, { reset: true, ...options });
  return { status, headers, text: await body.text() };
}

describe('a Service of protocol h2c', () => {
  it('is spoken to by HTTP/2, on one connection for many clients of HTTP/1.1', async (t) => {
    const upstream = await startHttp2(t);
    const { system, node, url } = await started(t, h2c('a', upstream.port));
    const { status, headers, text } = await ask(`${url}/a/x?y=1`, {
      method: 'POST',
      body: 'hello',
      headers: { host: 'shop.test', cookie: 'a=1; b=2' },
    });
    const { fields, body } = JSON.parse(text) as Http2Echo;
    assert.deepEqual([status, headers['transfer-encoding'], body], [200, 'chunked', 'hello']);
    assert.deepEqual(fields.slice(0, 8), [
      ':method',
      'POST',
      ':scheme',
      'http',
      ':authority',
      'shop.test',
      ':path',
      '/a/x?y=1',
    ]);
    for (const name of ['connection', 'host', 'transfer-encoding', 'te'])
      assert.ok(!fields.includes(name), name);
    assert.equal(fields[fields.indexOf('cookie') + 1], 'a=1; b=2');
    assert.equal((await ask(`${url}/a`, { method: 'HEAD' })).text, '');
    await Promise.all(Array.from({ length: 20 }, () => ask(`${url}/a`)));
    assert.equal(upstream.connections, 1);
    const dump = await system.admin.call('GET', 'nodes/node-1/configDump');
    assert.equal(dump.field('services', 0, 'protocol'), 'h2c');
    const metrics = await scrape(node);
    assert.equal(metrics.value('causeway_upstream_pool_events_total', { event: 'opened' }), 1);
    assert.equal(metrics.value('causeway_upstream_connections', { service: 'default/a' }), 1);
    await assertRefused(system, 'a');
  });

  it('carries trailers both ways for clients of HTTP/2, and drops them for others', async (t) => {
    const upstream = await startHttp2(t, {
      answer(stream, { trailers }) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': '0', 'x-seen': trailers.join(' '), 'set-cookie': 'a=b' }),
        );
        stream.end('message');
      },
    });
    const { url, port } = await started(t, h2c('a', upstream.port));
    const session = connect(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    const stream = session.request(
      { ':path': '/a', ':method': 'POST', te: 'trailers' },
      { endStream: false, waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': '1', authorization: 'no' }));
    const trailers = once(stream, 'trailers') as Promise<[Record<string, string>]>;
    stream.end('hi');
    stream.resume();
    const [seen] = await trailers;
    assert.deepEqual(Object.entries(seen), [
      ['grpc-status', '0'],
      ['x-seen', 'x-sent 1'],
    ]);
    const { status, text } = await ask(`${url}/a`);
    assert.deepEqual([status, text], [200, 'message']);
  });

  it('that answers with HTTP/1.1 is a 502, and the log says why', async (t) => {
    const echo = await startEcho(t);
    const { node, url } = await started(t, h2c('a', echo.port, { timeouts: { connect: '1s' } }));
    const { status, text } = await ask(`${url}/a`);
    assert.deepEqual([status, JSON.parse(text).reason], [502, 'upstream_connect_failed']);
    assert.equal(text.includes('HTTP/2'), false, 'clients are not told');
    const told = await connectFailure(node);
    assert.match(String(told['detail']), /no HTTP\/2|HTTP\/2 have come/);
  });
});

async function connectFailure({ child }: DataPlaneNode): Promise<LogLine> {
  const isIt = ({ reason }: LogLine): boolean => reason === 'upstream_connect_failed';
  await eventually(() => child.logs.some(isIt), { what: 'why there is no connection' });
  return child.logs.find(isIt)!;
}

/** TLS and protocols without it do not go together. */
async function assertRefused(system: System, name: string): Promise<void> {
  const answer = await system.admin.call('PUT', `namespaces/default/services/${name}`, {
    body: {
      apiVersion: 'causeway/v1',
      kind: 'Service',
      metadata: { name },
      spec: { protocol: 'h2c', tls: {} },
    },
    contentType: 'application/json',
  });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /protocol h2c has no TLS/);
}

describe('an upstream that sends GOAWAY every 50 requests', () => {
  it('fails none of thousands, with bodies or without', async (t) => {
    const upstream = await startHttp2(t, { requestsPerConnection: 50 });
    const { node, port } = await started(t, h2c('a', upstream.port, { pool: { maxConnections: 4 } }), 2);
    const post = `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`;
    const loads = [
      startLoad(t, { port, request: 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', connections: 24 }),
      startLoad(t, { port, request: post, connections: 24 }),
    ];
    await eventually(() => loads.reduce((sum, { result }) => sum + result.ok + result.failed, 0), {
      what: '6,000 requests',
      until: (count) => count >= 6000,
      timeoutMs: 60_000,
    });
    const results = await Promise.all(loads.map((each) => each.stop()));
    for (const { failed, reasons } of results) assert.deepEqual([failed, reasons], [0, {}]);
    const answered = results.reduce((sum, { ok }) => sum + ok, 0);
    assert.equal(upstream.requests, answered, 'none was done twice');
    assert.ok(upstream.connections >= answered / 50, `${upstream.connections} connections`);
    const repeats = (await scrape(node)).value('causeway_upstream_pool_events_total', {
      event: 'refusedRepeat',
    });
    t.diagnostic(
      `${answered} requests on ${upstream.connections} connections, ${repeats} of them sent again`,
    );
    assert.ok(repeats > 0, 'some were on their way');
  });
});

describe('a Service of protocol h2', () => {
  it('is asked for by its name, verified, and agrees to HTTP/2', async (t) => {
    const authority = await TestAuthority.create('Orders CA');
    const stranger = await TestAuthority.create('Stranger');
    const upstream = await startHttp2(t, { certificate: await authority.issue({ names: ['orders.test'] }) });
    const trusted = (name: string, { certificate }: TestAuthority): Resource => ({
      kind: 'Certificate',
      metadata: { name },
      spec: { certificate },
    });
    const h2 = (name: string, tls: object): Resource[] =>
      h2c(name, upstream.port, { protocol: 'h2', tls: { serverName: 'orders.test', ...tls } });
    const { node, url } = await started(t, [
      trusted('orders-ca', authority),
      trusted('stranger-ca', stranger),
      ...h2('good', { trust: ['orders-ca'] }),
      ...h2('bad', { trust: ['stranger-ca'] }),
    ]);
    const { status, text } = await ask(`${url}/good`);
    const { serverName, fields } = JSON.parse(text) as Http2Echo;
    assert.deepEqual([status, serverName, fields[3]], [200, 'orders.test', 'https']);
    assert.equal((await ask(`${url}/bad`)).status, 502);
    const told = await connectFailure(node);
    assert.match(String(told['detail']), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  });
});

describe('nghttpd behind a Service of protocol h2c', () => {
  it('answers what h2load and curl ask of it', async (t) => {
    const directory = await tempDir(t);
    await mkdir(join(directory, 'a'));
    const large = 'x'.repeat(300_000);
    await writeFile(join(directory, 'a/small'), 'small');
    await writeFile(join(directory, 'a/large'), large);
    const nghttpd = await startNghttpd(t, directory);
    const { url, node } = await started(t, h2c('a', nghttpd));
    assert.deepEqual((await ask(`${url}/a/small`)).text, 'small');
    assert.equal((await ask(`${url}/a/large`)).text, large);
    assert.equal((await ask(`${url}/a/none`)).status, 404);
    const { stdout } = await run('h2load', ['-n', '3000', '-c', '10', '-m', '20', `${url}/a/small`]);
    assert.match(stdout, /3000 succeeded, 0 failed, 0 errored/, stdout);
    // Ten connections of twenty requests each, where one connection takes a hundred.
    const opened = (await scrape(node)).value('causeway_upstream_pool_events_total', { event: 'opened' });
    assert.ok(opened <= 4, `${opened} connections`);
  });
});

/** It takes another port where somebody was quicker with the first. */
async function startNghttpd(t: TestContext, directory: string): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startNghttpdOn(t, directory, await freePort());
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function startNghttpdOn(t: TestContext, directory: string, port: number): Promise<number> {
  const args = ['--no-tls', '--address', '127.0.0.1', '--htdocs', directory, String(port)];
  startChild(t, { name: 'nghttpd', command: 'nghttpd', args });
  await eventually(
    async () => {
      const session = connect(`http://127.0.0.1:${port}`);
      await once(session, 'remoteSettings').finally(() => session.destroy());
      return true;
    },
    { what: 'nghttpd' },
  );
  return port;
}

/** A port that nobody has at this moment; nghttpd cannot say which one it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
