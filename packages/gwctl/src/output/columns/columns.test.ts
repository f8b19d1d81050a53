import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resource, Spec } from '@causeway/model/resource';
import type { KeyStatus } from '@causeway/model/server-keys';
import type { Cell } from '../table.ts';
import type { Facts } from './column.ts';
import { lastUsedText } from './consumer.ts';
import { shortNodeName } from './node.ts';
import { changeText } from './revision.ts';
import { type Listed, viewOf } from './view-of.ts';

function resource(kind: string, spec: Spec, name = 'x'): Resource {
  const metadata = {
    name,
    namespace: 'default',
    uid: 'u',
    resourceVersion: '7',
    generation: 2,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { apiVersion: 'causeway/v1', kind, metadata, spec };
}

/** The cells of a resource by title. */
function cells(item: Listed, facts: Partial<Facts> = {}): Record<string, Cell> {
  const all: Facts = {
    nowMs: Date.parse('2026-01-03T00:00:00Z'),
    wide: false,
    routes: [],
    middlewares: [],
    gateways: [],
    nodes: [],
    ...facts,
  };
  const { columns } = viewOf(item.kind)[all.wide ? 'wide' : 'table'];
  return Object.fromEntries(columns.map(({ title, cell }) => [title, cell(item, all)]));
}

describe('columns of routes', () => {
  const predicates = {
    path: { template: '/a/{b}' },
    methods: ['GET', 'PUT'],
    headers: [
      { name: 'x-a', exact: '1' },
      { name: 'x-b', present: false },
      { name: 'x-c', regex: 'r+' },
    ],
    cookies: [{ name: 'c', prefix: 'p' }],
    query: [{ name: 'q', present: true }],
  };

  it('show defaults where nothing was written', () => {
    const { HOSTS, MATCHES, BACKENDS, NODES, AGE } = cells(
      resource('Route', { backends: [{ service: 'a' }] }),
    );
    assert.deepEqual([HOSTS, MATCHES, BACKENDS, NODES, AGE], [['*'], 'prefix /', ['a'], '-', '2d']);
  });

  it('show the first match without values, and all of them with values when wide', () => {
    const route = resource('Route', { matches: [predicates, {}], backends: [] });
    assert.equal(cells(route)['MATCHES'], 'template /a/{b} GET,PUT x-a !x-b x-c cookie c query q +1');
    assert.equal(
      cells(route, { wide: true })['MATCHES'],
      'template /a/{b} GET,PUT x-a=1 !x-b x-c~r+ cookie c=p... query q;prefix /',
    );
  });

  it('give weights when there are several backends', () => {
    const backends = [{ service: 'a', weight: 9 }, { service: 'b' }];
    assert.deepEqual(cells(resource('Route', { backends }))['BACKENDS'], ['a 9', 'b 1']);
  });
});

describe('columns of other kinds', () => {
  const routes = [
    resource('Route', { backends: [{ service: 'x' }] }, 'one'),
    resource('Route', { backends: [{ service: 'y' }], gateways: ['edge/http'] }, 'two'),
  ];

  it('say who uses a Service', () => {
    const service = resource('Service', { endpoints: [{ address: '::1', port: 80 }] });
    const mirroring = { filters: [{ mirror: { service: 'x' } }] };
    const shown = cells(service, {
      wide: true,
      routes: [...routes, resource('Route', { backends: [{ service: 'y' }], ...mirroring }, 'three')],
      middlewares: [resource('Middleware', mirroring, 'copies')],
    });
    assert.deepEqual(shown['USED-BY'], ['route/one', 'route/three', 'middleware/copies']);
    assert.deepEqual(shown['ENDPOINTS'], ['[::1]:80']);
  });

  it('name the filters, with those of Middlewares in their place', () => {
    const filters = [{ middleware: 'm' }, { name: 'hi', respond: {} }, { name: 'gone', disabled: true }];
    const brought = [{ name: 'auth', newFilter: {} }, { newFilter: {} }, { name: 'x', disabled: true }];
    const middlewares = [resource('Middleware', { filters: brought }, 'm')];
    const shown = { middlewares, wide: true };
    const expected = ['auth', 'newFilter', 'hi', '!x', '!gone'];
    assert.deepEqual(cells(resource('Route', { filters }), shown)['FILTERS'], expected);
    assert.deepEqual(cells(resource('Route', {}), shown)['FILTERS'], []);
    const gateway = resource('Gateway', { filters: [{ middleware: 'm' }, { name: 'auth', disabled: true }] });
    delete gateway.metadata.namespace;
    assert.deepEqual(cells(gateway, shown)['FILTERS'], ['newFilter', '!x', '!auth']);
  });

  it('say who uses a Middleware: Routes of its namespace, Gateways if that is default', () => {
    const naming = { filters: [{ middleware: 'x' }] };
    const far = resource('Route', naming, 'far');
    far.metadata.namespace = 'shop';
    const users = {
      routes: [resource('Route', naming, 'near'), far],
      gateways: [resource('Gateway', naming, 'g')],
    };
    assert.deepEqual(cells(resource('Middleware', { filters: [{ respond: {} }] }), users), {
      NAME: 'x',
      FILTERS: ['respond'],
      'USED-BY': ['route/near', 'gateway/g'],
      AGE: '2d',
    });
  });

  it('count the Routes of a Gateway, which are on default unless they say otherwise', () => {
    assert.equal(cells(resource('Gateway', {}, 'default'), { routes })['ROUTES'], '1');
    const edge = resource('Gateway', { listeners: [{ name: 'a', port: 81 }] }, 'edge');
    assert.equal(cells(edge, { routes })['ROUTES'], '1');
    assert.deepEqual(cells(edge)['LISTENERS'], ['a:81']);
    assert.deepEqual(cells(resource('Gateway', {}, 'default'))['LISTENERS'], ['http:8080']);
  });

  it('show the keys of a Secret and none of its values', () => {
    const shown = cells(resource('Secret', { data: { a: '(hidden)' } }));
    assert.deepEqual(shown, { NAME: 'x', KEYS: ['a'], AGE: '2d' });
  });

  it('shorten a node name that is a UUID', () => {
    assert.equal(shortNodeName('5f0c2a34-6a57-4a0e-9d0f-5a3f1f0c7b11'), '5f0c2a34');
    assert.equal(shortNodeName('edge-1'), 'edge-1');
  });

  it('mark what a revision made, changed and removed', () => {
    const texts = (['create', 'update', 'delete'] as const).map((op, index) =>
      changeText({ op, resource: ['route/default/a', 'route/shop/a', 'gateway/a'][index]! }),
    );
    assert.deepEqual(texts, ['+route/a', '~route/shop/a', '-gateway/a']);
  });

  it('are name and age for a kind of a later version', () => {
    assert.deepEqual(cells(resource('Role', {})), { NAME: 'x', AGE: '2d' });
  });
});

describe('LAST-USED of consumers', () => {
  it('is the age of the latest use of any key, and nothing where nobody can tell', () => {
    const server = { name: 'ci', source: 'server' as const };
    const lastUsed = (...keys: KeyStatus[]): string => lastUsedText(keys, Date.parse('2026-01-03T00:00:00Z'));
    assert.equal(
      lastUsed(
        { ...server, lastUsedAt: '2026-01-01T00:00:00.000Z' },
        { ...server, lastUsedAt: '2026-01-02T23:59:00.000Z' },
        server,
      ),
      '60s',
    );
    assert.equal(lastUsed({ name: 'mine', source: 'spec' }, server), 'never');
    assert.equal(lastUsed({ name: 'mine', source: 'spec' }), '-');
  });
});
