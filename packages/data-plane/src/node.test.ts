import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';

import {
  endpoints,
  gatewayItem,
  NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from './testing/node-fixture.ts';
import { ask, askHead, keepAliveAgent, openSocket, readToEnd, until } from './testing/http-client.ts';

describe('node', () => {
  it('has no port open before its first table', () => {
    const { node } = new NodeFixture();
    assert.deepEqual([node.table, node.listenerPort('http'), node.configDump()], [undefined, undefined, {}]);
  });

  it('routes by path and host, and answers for what no Route takes', async (context) => {
    const upstream = await startUpstream(context, (request, response) =>
      response.end(`${request.method} ${request.url}`),
    );
    const items = [
      routeItem('web', '/web'),
      serviceItem('web'),
      routeItem('api', '/', { hosts: ['api.test'], backends: [{ service: 'default/web', weight: 1 }] }),
      routeItem('get', '/get', {
        matches: [{ path: { case: 'exact', value: '/get' }, methods: ['GET', 'HEAD'] }],
        backends: [{ service: 'default/web', weight: 1 }],
      }),
    ];
    const fixture = await startNode(context, { items, endpoints: [endpoints('web', [upstream.port])] });
    const port = fixture.port();
    assert.equal((await ask({ port, path: '/web/a?b=c' })).body, 'GET /web/a?b=c');
    assert.equal((await ask({ port, path: '//web/./x/%7e', method: 'PUT' })).body, 'PUT /web/x/~');
    assert.equal((await ask({ port, headers: { host: 'API.test:80' } })).body, 'GET /');
    const missing = await ask({ port, path: '/nope' });
    assert.deepEqual([missing.status, missing.headers['content-type']], [404, 'application/problem+json']);
    assert.equal(JSON.parse(missing.body).requestId, missing.headers['x-request-id']);
    const wrongMethod = await ask({ port, path: '/get', method: 'POST' });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.allow], [405, 'GET, HEAD']);
    assert.equal((await ask({ port, path: '/web/a%2fb' })).status, 400);
  });

  it('spreads requests over backends and endpoints by weight, exactly', async (context) => {
    const named = async (name: string) => startUpstream(context, (_request, response) => response.end(name));
    const [a1, a2, b] = await Promise.all([named('a1'), named('a2'), named('b')]);
    const backends = [
      { service: 'default/a', weight: 3 },
      { service: 'default/b', weight: 1 },
    ];
    const fixture = await startNode(context, {
      items: [routeItem('r', '/', { backends }), serviceItem('a'), serviceItem('b')],
      endpoints: [endpoints('a', [[a1.port, 2], a2.port]), endpoints('b', [b.port])],
    });
    const agent = keepAliveAgent(context);
    const counts: Record<string, number> = {};
    for (let count = 0; count < 40; count += 1) {
      const { body } = await ask({ port: fixture.port(), agent });
      counts[body] = (counts[body] ?? 0) + 1;
    }
    assert.deepEqual(counts, { a1: 20, a2: 10, b: 10 });
  });

  it('answers 503 when all weights are 0, the Service is gone, or it has no endpoint', async (context) => {
    const fixture = await startNode(context, {
      items: [
        routeItem('zero', '/zero', { backends: [{ service: 'default/s', weight: 0 }] }),
        routeItem('gone', '/gone'),
        routeItem('empty', '/empty'),
        serviceItem('empty'),
      ],
    });
    for (const path of ['/zero', '/gone', '/empty']) {
      const { status, body } = await ask({ port: fixture.port(), path });
      assert.deepEqual([status, JSON.parse(body).reason], [503, 'no_healthy_endpoint'], path);
    }
  });

  it('uses one table for an exchange from start to finish (invariant 2)', async (context) => {
    const gate = Promise.withResolvers<void>();
    const slow = await startUpstream(context, async (request, response) => {
      response.write('old ');
      request.resume();
      await gate.promise;
      response.end('old');
    });
    const fast = await startUpstream(context, (_request, response) => response.end('new'));
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [slow.port])],
    });
    const response = await askHead({ port: fixture.port(), method: 'POST', body: 'x' });
    const before = fixture.node.table;
    const moved = routeItem('r', '/', { backends: [{ service: 'default/next', weight: 1 }] });
    await fixture.apply({
      items: [moved, serviceItem('next')],
      removedKeys: ['service/default/r'],
      endpoints: [endpoints('next', [fast.port])],
    });
    assert.equal((await ask({ port: fixture.port() })).body, 'new');
    assert.notEqual(fixture.node.table, before);
    assert.equal(fixture.node.retiredTables, 1);
    gate.resolve();
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.equal(body, 'old old');
    await until('the old table is let go', () => fixture.node.retiredTables === 0);
    assert.deepEqual(
      fixture.records.map(({ revision }) => revision).toSorted((a, b) => a - b),
      [1, 2],
    );
  });

  it('drops no request by a swap: 200 swaps under load (invariant 12)', async (context) => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) => startUpstream(context, (_request, response) => response.end(name))),
    );
    const to = (name: string) =>
      routeItem('r', '/', { backends: [{ service: `default/${name}`, weight: 1 }] });
    const fixture = await startNode(context, {
      items: [to('a'), serviceItem('a'), serviceItem('b')],
      endpoints: [endpoints('a', [a!.port]), endpoints('b', [b!.port])],
    });
    const agent = keepAliveAgent(context, 8);
    const answers = new Map<string, number>();
    const stopping = new AbortController();
    const clients = Array.from({ length: 8 }, async () => {
      while (!stopping.signal.aborted) {
        const { status, body } = await ask({ port: fixture.port(), agent });
        const key = `${status} ${body}`;
        answers.set(key, (answers.get(key) ?? 0) + 1);
      }
    });
    for (let swap = 0; swap < 200; swap += 1) {
      assert.deepEqual(
        await fixture.apply({ items: [to(swap % 2 === 0 ? 'b' : 'a'), serviceItem(`s${swap}`)] }),
        [],
      );
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    stopping.abort();
    await Promise.all(clients);
    assert.deepEqual([...answers.keys()].toSorted(), ['200 a', '200 b']);
    await until('old tables are let go', () => fixture.node.retiredTables === 0);
  });

  it('keeps upstream connections over swaps (invariant 6)', async (context) => {
    let connections = 0;
    const upstream = await startUpstream(context, (_request, response) => response.end('ok'));
    upstream.server.on('connection', () => {
      connections += 1;
    });
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    for (let swap = 0; swap < 5; swap += 1) {
      await ask({ port: fixture.port() });
      await fixture.apply({
        items: [routeItem('other', `/o${swap}`)],
        endpoints: [endpoints('r', [upstream.port], swap + 2)],
      });
    }
    assert.equal(connections, 1);
  });

  it('takes endpoint sets without a change of configuration', async (context) => {
    const upstreams = await Promise.all(
      ['one', 'two'].map((name) => startUpstream(context, (_request, response) => response.end(name))),
    );
    const [one, two] = upstreams.map(({ port }) => port);
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [one!])],
    });
    assert.equal((await ask({ port: fixture.port() })).body, 'one');
    await fixture.apply({ endpoints: [endpoints('r', [two!], 2)] });
    assert.equal((await ask({ port: fixture.port() })).body, 'two');
  });

  it('keeps everything as it was when a port cannot be opened, and opens it when it can', async (context) => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const address = squatter.address();
    assert.ok(typeof address === 'object' && address !== null);
    const upstream = await startUpstream(context, (_request, response) => response.end('ok'));
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const http = { name: 'http', address: '127.0.0.1', port: 0 };
    const listeners = [
      http,
      { name: 'new', address: '127.0.0.1', port: 0 },
      { ...http, name: 'taken', port: address.port },
    ];
    const before = fixture.node.table;
    const change = { items: [gatewayItem({ listeners }), routeItem('r', '/moved')] };
    const problems = await fixture.apply(change);
    const { reason, resource, pointer, detail } = problems[0]!;
    assert.deepEqual(
      [problems.length, reason, resource, pointer],
      [1, 'listener_failed', 'gateway/default', '/spec/listeners/2/port'],
    );
    assert.equal(detail, `cannot listen on 127.0.0.1:${address.port}: address in use (EADDRINUSE)`);
    assert.equal(fixture.node.table, before);
    assert.equal((await ask({ port: fixture.port() })).body, 'ok');
    squatter.close();
    await once(squatter, 'close');
    assert.deepEqual(await fixture.apply(change), []);
    assert.equal((await ask({ port: address.port, path: '/moved' })).body, 'ok');
  });

  it('closes the port of a listener that is gone, after the requests on it', async (context) => {
    const gate = Promise.withResolvers<void>();
    const upstream = await startUpstream(context, async (_request, response) => {
      await gate.promise;
      response.end('late');
    });
    const http = { name: 'http', address: '127.0.0.1', port: 0 };
    const fixture = await startNode(context, {
      items: [
        gatewayItem({ listeners: [http, { ...http, name: 'two' }] }),
        routeItem('r', '/'),
        serviceItem('r'),
      ],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const port = fixture.port('two');
    const idle = await openSocket(context, port);
    const asked = ask({ port });
    await until('the request is under way', () => fixture.node.activeRequests === 1);
    await fixture.apply({ items: [gatewayItem({ listeners: [http] })] });
    assert.equal(await readToEnd(idle), '');
    await assert.rejects(ask({ port }), { code: 'ECONNREFUSED' });
    gate.resolve();
    const { status, body, headers } = await asked;
    assert.deepEqual([status, body, headers.connection], [200, 'late', 'close']);
  });

  it('moves a port to another address, and back when that fails', async (context) => {
    const upstream = await startUpstream(context, (_request, response) => response.end('ok'));
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    holder.close();
    await once(holder, 'close');
    const on = (address: string, extra: object[] = []) =>
      gatewayItem({ listeners: [{ name: 'http', address, port }, ...extra] });
    assert.deepEqual(await fixture.apply({ items: [on('127.0.0.1')] }), []);
    assert.deepEqual(await fixture.apply({ items: [on('0.0.0.0')] }), []);
    assert.equal((await ask({ port })).body, 'ok');
    const bad = { name: 'bad', address: '192.0.2.77', port: 1 };
    const [problem] = await fixture.apply({ items: [on('127.0.0.1', [bad])] });
    assert.match(problem?.detail ?? '', /cannot listen on 192\.0\.2\.77:1/);
    assert.equal((await ask({ port })).body, 'ok');
  });

  it('refuses what it cannot build and serves on (invariant 5)', async (context) => {
    const upstream = await startUpstream(context, (_request, response) => response.end('ok'));
    const fixture = await startNode(context, {
      items: [routeItem('r', '/'), serviceItem('r')],
      endpoints: [endpoints('r', [upstream.port])],
    });
    const bad = routeItem('bad', '/bad', { matches: [{ path: { case: 'regex', value: '(' } }] });
    const [problem] = await fixture.apply({ items: [bad, routeItem('r', '/moved')] });
    assert.deepEqual([problem?.reason, problem?.resource], ['invalid_resource', 'route/default/bad']);
    assert.equal((await ask({ port: fixture.port() })).body, 'ok');
  });

  it('does not send a request to itself', async (context) => {
    const fixture = await startNode(context, { items: [routeItem('loop', '/'), serviceItem('loop')] });
    await fixture.apply({ endpoints: [endpoints('loop', [fixture.port()], 2)] });
    const { status, body } = await ask({ port: fixture.port() });
    assert.deepEqual([status, JSON.parse(body).reason], [502, 'upstream_connect_failed']);
    assert.equal(fixture.records.length, 1);
  });

  it('dumps the live table', async (context) => {
    const fixture = await startNode(context, {
      items: [routeItem('r', '/a'), serviceItem('r')],
      endpoints: [endpoints('r', [9])],
    });
    const dump = JSON.parse(JSON.stringify(fixture.node.configDump()));
    assert.equal(dump.revision, 1);
    assert.match(dump.digest, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(dump.listeners, [
      {
        name: 'http',
        address: '127.0.0.1',
        port: fixture.port(),
        hosts: [],
        http2: true,
        redirectToHttps: null,
        proxyProtocol: 'none',
        tls: null,
      },
    ]);
    assert.deepEqual(dump.routes[0].backends, [{ service: 'default/r', weight: 1 }]);
    assert.deepEqual(dump.routes[0].matches[0].path, { prefix: '/a' });
    assert.deepEqual(dump.services[0].endpoints[0].port, 9);
  });
});
