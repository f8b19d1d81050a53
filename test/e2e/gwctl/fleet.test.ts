import { test } from 'node:test';
import { gateway, service } from '../../kit/resources.ts';
import { startSystem } from '../../kit/processes.ts';
import { startTranscript } from './transcript.ts';

interface Named {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: object;
}

function route(
  name: string,
  host: string,
  spec: object,
  metadata: Omit<Named['metadata'], 'name'> = {},
): Named {
  return { kind: 'Route', metadata: { name, ...metadata }, spec: { hosts: [host], ...spec } };
}

const shop = { labels: { team: 'shop' } };
const ordersPath = { path: { prefix: '/orders' }, methods: ['GET', 'POST'] };

const fleet: Named[] = [
  service('bookstore', [9101]),
  service('chat', [9102, 9103, 9104, 9105]),
  service('orders', [9001]),
  service('orders-next', [9002]),
  service('web', [9106]),
  { kind: 'Service', metadata: { name: 'refunds', namespace: 'pay' }, spec: {} },
  { kind: 'Secret', metadata: { name: 'redis' }, spec: { data: { url: 'redis://a', password: 'b' } } },
  route('bookstore', 'books.example.com', { backends: [{ service: 'bookstore' }] }),
  route('chat', 'chat.example.com', { backends: [{ service: 'chat' }] }),
  route(
    'orders',
    'api.example.com',
    {
      matches: [ordersPath],
      backends: [
        { service: 'orders', weight: 95 },
        { service: 'orders-next', weight: 5 },
      ],
      timeouts: { request: '10s' },
    },
    shop,
  ),
  route(
    'orders-canary',
    'api.example.com',
    {
      matches: [
        { ...ordersPath, headers: [{ name: 'x-canary', exact: 'always' }] },
        { ...ordersPath, cookies: [{ name: 'canary', exact: 'always' }] },
      ],
      backends: [{ service: 'orders-next' }],
    },
    shop,
  ),
  route('web', 'www.example.com', { backends: [{ service: 'web' }] }),
  route(
    'refunds',
    'pay.example.com',
    { matches: [{ path: { prefix: '/refunds' } }], backends: [{ service: 'refunds' }] },
    { namespace: 'pay', labels: { team: 'pay' } },
  ),
];

test('a working fleet: tables, documents, descriptions, differences', async (t) => {
  const { controlPlane } = await startSystem(t, {
    nodes: ['edge-1', 'edge-2'],
    resources: [gateway(), ...fleet],
  });
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  await session.gwctl('get', 'routes');
  await session.gwctl('get', 'routes', '-l', 'team=shop', '-o', 'wide');
  await session.gwctl('get', 'routes', '-A', '-l', 'team=pay');
  await session.gwctl('get', 'routes', '-l', 'team=shop', '-o', 'name');
  await session.gwctl('get', 'routes', '-A', '-o', 'name', '--sort-by', '.metadata.name');
  await session.gwctl('get', 'route', 'orders', '-o', 'yaml');
  await session.gwctl('get', 'rt/web', '-o', 'json', '--defaults');
  await session.gwctl('get', 'svc,sec', '--no-headers');
  await session.gwctl('get', 'services', '-o', 'wide');
  await session.gwctl('get', 'gateways', '-o', 'wide', '--show-labels');
  await session.gwctl('get', 'nodes');
  await session.gwctl('get', 'nodes', '-o', 'wide');
  await session.gwctl('get', 'secret', 'redis', '-o', 'yaml');
  await session.gwctl('get', 'revisions', '-o', 'wide');
  await session.gwctl('describe', 'route', 'orders');
  await session.gwctl('describe', 'service', 'orders-next');
  await session.gwctl('describe', 'secret', 'redis');
  await session.gwctl('describe', 'node', 'edge-1');
  await session.gwctl('describe', 'revision', '1');
  await session.gwctl('api-resources', '-o', 'wide');
  await session.gwctl('-n', 'pay', 'get', 'routes');
  await session.matches('fleet');
});

test('route explain and diff', async (t) => {
  const { controlPlane } = await startSystem(t, { nodes: [], resources: [gateway(), ...fleet] });
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  const orders = 'https://api.example.com/orders/7?expand=items';
  await session.gwctl('route', 'explain', 'GET', orders, '-H', 'x-canary: always');
  await session.gwctl('route', 'explain', 'GET', orders);
  await session.gwctl('route', 'explain', 'PUT', orders);
  await session.gwctl('route', 'explain', 'GET', 'http://nobody.example.com/');
  await session.gwctl('route', 'explain', 'GET', 'http://api.example.com/orders%2Fa');
  await session.gwctl('route', 'explain', 'GET', 'nobody');
  await session.file(
    'orders.yaml',
    JSON.stringify({ apiVersion: 'causeway/v1', ...reweighted() }, undefined, 2),
  );
  await session.file('redis.yaml', redis);
  await session.file('new.yaml', fresh);
  await session.gwctl('diff', '-f', 'orders.yaml', '-f', 'redis.yaml', '-f', 'new.yaml');
  await session.gwctl('apply', '-f', 'orders.yaml', '-f', 'redis.yaml', '-f', 'new.yaml');
  await session.gwctl('diff', '-f', 'orders.yaml', '-f', 'redis.yaml', '-f', 'new.yaml');
  await session.file('stale.yaml', fresh.replace('name: new', 'name: new, resourceVersion: "1"'));
  await session.gwctl('apply', '-f', 'stale.yaml');
  await session.file('labelled.yaml', fresh.replace('name: new', 'name: new, labels: {team: shop}'));
  const prune = ['apply', '-f', 'labelled.yaml', '--prune', '-l', 'team=shop'];
  await session.gwctl(...prune, '--dry-run=server');
  await session.gwctl(...prune);
  await session.gwctl(...prune, '--yes');
  await session.gwctl('complete', '--', 'get', 'route', 'w');
  await session.gwctl('complete', '--', 'delete', 'svc/w');
  await session.matches('questions');
});

/** The Route orders with other weights. */
function reweighted(): Named {
  const orders = fleet.find(({ kind, metadata }) => kind === 'Route' && metadata.name === 'orders')!;
  const backends = [
    { service: 'orders', weight: 75 },
    { service: 'orders-next', weight: 25 },
  ];
  return { ...orders, spec: { ...orders.spec, backends } };
}

/** One value as stored, one other than stored, one that is new. */
const redis = `apiVersion: causeway/v1
kind: Secret
metadata: {name: redis}
spec: {data: {url: "redis://a", password: other, user: c}}
`;

const fresh = `# A comment, so that the document does not begin on the first line.
apiVersion: causeway/v1
kind: Service
metadata: {name: new}
spec:
  endpoints: [{address: 10.0.0.1, port: 80}]
`;
