import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ExplainRequest, Explanation } from '@causeway/model/api-types';
import { implicitGateway } from '../store/implicit-gateway.ts';
import { manifest, route, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { NodeRegistry } from '../publish/node-registry.ts';
import { explainRequest } from './explain-request.ts';
import { listenerFor, RouteTables } from './route-tables.ts';

async function asking(t: TestContext) {
  const world = await openWorld(t);
  const tables = new RouteTables(world.index);
  const ask = (
    url: string,
    more: Partial<ExplainRequest['request']> = {},
    gateway = 'gateway/default',
  ): Explanation =>
    explainRequest({
      index: world.index,
      tables,
      nodes: new NodeRegistry(world.clock, 3_600_000),
      gateway: world.index.get(gateway) ?? implicitGateway,
      request: { method: 'GET', url, ...more },
    });
  await world.write([
    service('orders', [9001, 9002]),
    service('canary', [9003]),
    route('orders', 'orders', {
      hosts: ['api.example.com'],
      matches: [{ path: { prefix: '/orders' }, methods: ['GET', 'POST'] }],
      backends: [{ service: 'orders', weight: 9 }, { service: 'canary' }],
      timeouts: { request: '10s' },
    }),
    route('canary', 'canary', {
      hosts: ['api.example.com'],
      matches: [
        { path: { prefix: '/orders' }, methods: ['GET'], headers: [{ name: 'x-canary', exact: 'always' }] },
      ],
    }),
  ]);
  return { ...world, ask };
}

describe('explainRequest', () => {
  it('tells the Route, what it won against and why, and where the request goes', async (t) => {
    const { ask } = await asking(t);
    const explained = ask('https://api.example.com/orders/7?expand=items', {
      headers: [['X-Canary', 'always']],
      clientAddress: '203.0.113.9',
    });
    assert.equal(explained.route, 'default/canary');
    assert.equal(explained.reason, null);
    assert.deepEqual(explained.canonical, { host: 'api.example.com', path: '/orders/7' });
    assert.deepEqual(
      explained.candidates.map(({ route: name, result, by }) => [name, result, by]),
      [
        ['default/canary', 'chosen', undefined],
        ['default/orders', 'lost', 'headers'],
      ],
    );
    assert.match(explained.candidates[0]!.summary, /^prefix \/orders, method GET, header x-canary=always$/);
    assert.deepEqual(explained.backends, [{ service: 'default/canary', weight: 1, of: 1 }]);
    assert.equal(explained.upstream?.target, '/orders/7?expand=items');
    assert.deepEqual(
      explained.upstream?.headers.find(([name]) => name === 'x-forwarded-for'),
      ['x-forwarded-for', '203.0.113.9'],
    );
  });

  it('tells shares of backends, their endpoints, and where each timeout comes from', async (t) => {
    const { ask } = await asking(t);
    const explained = ask('http://api.example.com/orders');
    assert.equal(explained.route, 'default/orders');
    assert.deepEqual(
      explained.backends.map(({ service: name, weight, of }) => [name, weight, of]),
      [
        ['default/orders', 9, 10],
        ['default/canary', 1, 10],
      ],
    );
    assert.deepEqual(
      explained.endpoints.map(({ port }) => port),
      [9001, 9002, 9003],
    );
    assert.deepEqual(explained.timeouts['request'], { value: '10s', from: 'route' });
    assert.deepEqual(explained.timeouts['connect'], { value: '5s', from: 'default' });
  });

  it('tells the filters in the order in which they run, and that an answer reaches no upstream', async (t) => {
    const { ask, write } = await asking(t);
    await write([
      manifest('Middleware', 'm', { filters: [{ name: 'hello', respond: { status: 203 } }] }),
      manifest('Gateway', 'default', {
        listeners: [{ name: 'http', port: 80 }],
        filters: [{ name: 'closed', respond: { status: 503 } }],
      }),
      manifest('Route', 'hello', {
        matches: [{ path: { prefix: '/hello' } }],
        filters: [{ name: 'closed', disabled: true }, { middleware: 'm' }],
      }),
    ]);
    const open = ask('http://api.example.com/hello');
    assert.deepEqual(open.filters, [
      {
        name: 'hello',
        filter: 'respond',
        summary: 'respond 203',
        from: 'middleware/default/m',
        enforcement: null,
        effect: { status: 203, reason: null, detail: 'answers 203' },
      },
    ]);
    assert.deepEqual([open.upstream, open.backends, open.endpoints], [null, [], []]);
    const closed = ask('http://api.example.com/orders');
    assert.deepEqual(
      closed.filters.map(({ name, from, effect }) => [name, from, effect.detail]),
      [['closed', 'gateway/default', 'answers 503']],
    );
    assert.equal(closed.upstream, null);
    assert.equal(closed.backends.length, 2);
  });

  it('tells that Consumers are held to limits, behind all that refuses', async (t) => {
    const { ask, write } = await asking(t);
    const filters = [{ apiKey: {} }, { respond: {} }, { authorize: { rules: [{ allow: {} }] } }];
    await write([manifest('Route', 'keyed', { matches: [{ path: { prefix: '/keyed' } }], filters })]);
    const told = () =>
      ask('http://api.example.com/keyed').filters.map(({ name, summary }) => [name, summary]);
    assert.deepEqual(
      told().map(([name]) => name),
      ['apiKey', 'authorize', 'respond'],
    );
    await write([
      manifest('Consumer', 'a', { limits: [{ name: 'l', requests: 1, per: '1s' }] }),
      manifest('Consumer', 'b', { quotas: [{ name: 'q', requests: 1, per: 'day' }] }),
      manifest('Consumer', 'c', {}),
    ]);
    assert.deepEqual(told().slice(2), [
      ['consumerLimits', 'limits and quotas of 2 Consumers'],
      ['respond', 'respond 200'],
    ]);
    assert.ok(!ask('http://api.example.com/orders').filters.some(({ name }) => name === 'consumerLimits'));
  });

  it('tells what a cache may do for a request', async (t) => {
    const { ask, write } = await asking(t);
    await write([
      manifest('Route', 'kept', {
        matches: [{ path: { prefix: '/kept' } }],
        filters: [{ cache: {} }],
        backends: [{ service: 'orders' }],
      }),
    ]);
    const told = (method: string, headers: [string, string][] = []): unknown =>
      ask('http://api.example.com/kept', { method, headers }).filters.map(({ effect }) => effect.detail);
    assert.deepEqual(told('GET'), ['from the cache, if it has a fresh answer']);
    assert.deepEqual(told('GET', [['if-match', '*']]), ['not from the cache']);
    assert.deepEqual(told('PUT'), ['what is stored of its URL goes when it succeeds']);
  });

  it('tells what becomes of a request where calls are transcoded', async (t) => {
    const { ask, write } = await asking(t);
    await write([
      manifest('DescriptorSet', 'books', { reflection: { service: 'orders' } }),
      manifest('Route', 'books', {
        matches: [{ path: { prefix: '/books' } }],
        filters: [{ transcode: { descriptors: 'books' } }],
        backends: [{ service: 'orders' }],
      }),
    ]);
    const told = (headers: [string, string][] = []): unknown =>
      ask('http://api.example.com/books', { headers }).filters.map(({ effect }) => effect.detail);
    assert.deepEqual(told(), ['a call by gRPC, if books binds a method to it; else 404 no_grpc_method']);
    assert.deepEqual(told([['content-type', 'application/grpc']]), ['gRPC already: passes']);
  });

  it('explains why no Route takes a request, with the nearest', async (t) => {
    const { ask } = await asking(t);
    const lost = ask('http://api.example.com/elsewhere');
    assert.deepEqual([lost.route, lost.reason, lost.upstream], [null, 'no_route', null]);
    assert.ok((lost.nearest ?? []).length > 0);
    assert.equal(ask('http://other.example.com/orders').reason, 'no_route');
    const wrongMethod = ask('http://api.example.com/orders', { method: 'DELETE' });
    assert.equal(wrongMethod.reason, 'method_not_allowed');
    assert.match(wrongMethod.detail ?? '', /GET/);
  });

  it('judges the path as it is written, not as a URL parser would mend it', async (t) => {
    const { ask } = await asking(t);
    assert.equal(ask('http://api.example.com/x/../orders').canonical?.path, '/orders');
    assert.equal(ask('http://api.example.com//orders//1').canonical?.path, '/orders/1');
    assert.equal(ask('http://api.example.com/orders/a%2Fb').reason, 'bad_request');
    assert.equal(ask('http://api.example.com/orders%00').reason, 'bad_request');
    assert.equal(ask('http://api.example.com/%zz').reason, 'bad_request');
    assert.equal(ask('http://api.example.com').canonical?.path, '/');
  });

  it('asks the listener that takes the host, and only Routes that join it', async (t) => {
    const { ask, write } = await asking(t);
    await write([
      manifest('Gateway', 'edge', {
        listeners: [
          { name: 'any', port: 80 },
          { name: 'admin', port: 80, hosts: ['admin.example.com'] },
          { name: 'other', port: 81, hosts: ['*.other.com'] },
        ],
      }),
      route('admin', 'orders', { gateways: ['edge/admin'], matches: [{ path: { prefix: '/' } }] }),
      route('everywhere', 'orders', { gateways: ['edge'], matches: [{ path: { prefix: '/all' } }] }),
    ]);
    const at = (url: string): unknown[] => {
      const { listener, route: name } = ask(url, {}, 'gateway/edge');
      return [listener, name];
    };
    assert.deepEqual(at('http://admin.example.com/x'), ['admin', 'default/admin']);
    assert.deepEqual(at('http://admin.example.com/all'), ['admin', 'default/everywhere']);
    assert.deepEqual(at('http://www.example.com/x'), ['any', null]);
    assert.deepEqual(at('http://a.other.com:81/all'), ['other', 'default/everywhere']);
    assert.deepEqual(at('http://www.example.com:81/all'), [null, null]);
  });

  it('follows the configuration', async (t) => {
    const { ask, write } = await asking(t);
    assert.equal(ask('http://api.example.com/new').route, null);
    await write([route('new', 'orders')]);
    assert.equal(ask('http://api.example.com/new').route, 'default/new');
    await write([], [{ kind: 'Route', namespace: 'default', name: 'new' }]);
    assert.equal(ask('http://api.example.com/new').route, null);
  });
});

describe('listenerFor', () => {
  const listener = (name: string, port: number, hosts: string[] = []) =>
    ({ name, port, hosts, address: '0.0.0.0', protocol: 'http' }) as const;
  const choose = (host: string, port: number): string | undefined =>
    listenerFor(
      {
        listeners: [
          listener('all', 80),
          listener('wild', 80, ['*.example.com']),
          listener('wilder', 80, ['*.a.example.com']),
          listener('exact', 80, ['x.a.example.com']),
          listener('closed', 81, ['y.com']),
        ],
      } as unknown as Parameters<typeof listenerFor>[0],
      host,
      port,
    );

  it('takes the exact host before the longest wildcard before none', () => {
    assert.equal(choose('x.a.example.com', 80), 'exact');
    assert.equal(choose('y.a.example.com', 80), 'wilder');
    assert.equal(choose('y.b.example.com', 80), 'wild');
    assert.equal(choose('example.com', 80), 'all');
    assert.equal(choose('example.com', 81), undefined);
  });

  it('looks at all listeners when none is on the port, as behind a load balancer', () => {
    assert.equal(choose('x.a.example.com', 443), 'exact');
  });

  it('tells of a listener that sends everything to https', async (t) => {
    const { ask, write } = await asking(t);
    const listeners = [{ name: 'http', port: 8080, redirectToHttps: 443 }];
    await write([manifest('Gateway', 'edge', { listeners })]);
    const { route: taken, reason, detail } = ask('http://api.example.com:8080/orders', {}, 'gateway/edge');
    assert.deepEqual([taken, reason], [null, null]);
    assert.equal(detail, 'listener http sends every request to https, port 443 (308)');
  });
});
