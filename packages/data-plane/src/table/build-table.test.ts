import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';
import { inspect } from 'node:util';
import { create } from '@bufbuild/protobuf';
import type { Compiled } from '@causeway/proto/compiled';
import {
  CompiledRouteSchema,
  type EncodedCharacter,
  type Protocol,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { matchRoute } from '@causeway/router/router';
import { sharedGet, sharedValues } from '@causeway/router/shared-map';

import { sharedBuild } from '../testing/shared-build.ts';
import { type Change, gatewayItem, NodeFixture, routeItem, serviceItem } from '../testing/node-fixture.ts';
import { poolContext } from '../testing/pools.ts';
import { type BuiltTable, buildTable } from './build-table.ts';
import { listenerFor, type Table } from './table.ts';

const pools = poolContext();
const shared = sharedBuild();

function build(change: Change, previous?: Table): BuiltTable {
  return runAtOnce(buildTable(previous, new NodeFixture().update(change), pools, shared));
}

function table(change: Change, previous?: Table): Table {
  const built = build(change, previous);
  assert.ok(built.ok);
  return built.table;
}

function problemsOf(items: readonly Compiled[]): unknown[] {
  const built = build({ items });
  assert.ok(!built.ok);
  return built.problems.map(({ reason, resource, pointer, detail }) => ({
    reason,
    resource,
    pointer,
    detail,
  }));
}

function routeOf(
  from: Table,
  path: string,
  { host = 'a.test', method = 'GET', listener = 'http' } = {},
): string {
  const found = [...from.sockets.values()]
    .flatMap(({ listeners }) => listeners)
    .find(({ spec }) => spec.name === listener);
  assert.ok(found);
  const request = { method, host, path, query: undefined, encoded: 0, header: () => undefined };
  const outcome = matchRoute(found.router, request);
  return outcome.kind === 'match' ? outcome.rule.value.route.name : outcome.kind;
}

describe('buildTable', () => {
  it('gives each listener the Routes that name it or none', () => {
    const listeners = [
      { name: 'http', address: '127.0.0.1', port: 8080 },
      { name: 'internal', address: '127.0.0.1', port: 8081 },
    ];
    const items = [
      gatewayItem({ listeners }),
      routeItem('a', '/a', { listeners: ['internal'] }),
      routeItem('b', '/b'),
    ];
    const built = table({ items });
    assert.deepEqual([...built.sockets.keys()], ['127.0.0.1:8080', '127.0.0.1:8081']);
    assert.equal(routeOf(built, '/a'), 'no_route');
    assert.equal(routeOf(built, '/a', { listener: 'internal' }), 'default/a');
    assert.equal(routeOf(built, '/b/c'), 'default/b');
  });

  it('applies additions, changes and removals to the table before, and leaves that as it was (invariant 3)', () => {
    const before = table({
      items: [gatewayItem(), routeItem('a', '/a'), routeItem('b', '/b'), serviceItem('a')],
    });
    const shown = inspect(before, { depth: Infinity });
    const change = {
      items: [routeItem('a', '/moved'), routeItem('c', '/c')],
      removedKeys: ['route/default/b'],
    };
    const after = table(change, before);
    assert.deepEqual(
      ['/a', '/moved', '/b', '/c'].map((path) => routeOf(after, path)),
      ['no_route', 'default/a', 'no_route', 'default/c'],
    );
    assert.deepEqual(
      ['/a', '/moved', '/b', '/c'].map((path) => routeOf(before, path)),
      ['default/a', 'no_route', 'default/b', 'no_route'],
    );
    assert.equal(inspect(before, { depth: Infinity }), shown);
  });

  it('keeps what did not change: Routes with their turns, Services with their connections (invariant 6)', () => {
    const before = table({
      items: [gatewayItem(), routeItem('a', '/a'), routeItem('b', '/b'), serviceItem('a'), serviceItem('b')],
    });
    const built = build({ items: [routeItem('b', '/b2'), serviceItem('b')] }, before);
    assert.ok(built.ok);
    const { routes, services } = built.table;
    const isSameRoute = (name: string) => sharedGet(before.routes, name) === sharedGet(routes, name);
    const isSameService = (name: string) => sharedGet(before.services, name) === sharedGet(services, name);
    assert.deepEqual(['default/a', 'default/b'].map(isSameRoute), [true, false]);
    assert.deepEqual(['default/a', 'default/b'].map(isSameService), [true, false]);
    assert.deepEqual(built.leaving, [sharedGet(before.services, 'default/b')]);
  });

  it('fills a listener that comes later with every Route', () => {
    const before = table({ items: [gatewayItem(), routeItem('a', '/a')] });
    const listeners = [
      { name: 'http', address: '127.0.0.1', port: 0 },
      { name: 'two', address: '127.0.0.1', port: 0 },
    ];
    const after = table({ items: [gatewayItem({ listeners })] }, before);
    assert.equal(routeOf(after, '/a', { listener: 'two' }), 'default/a');
    assert.deepEqual([...after.sockets.keys()], ['127.0.0.1:0/http', '127.0.0.1:0/two']);
  });

  it('names every resource that it cannot build, once, with a pointer', () => {
    const listeners = [
      { name: 'http', address: '127.0.0.1', port: 0 },
      { name: 'two', address: '127.0.0.1', port: 0 },
    ];
    const badRegex = [
      { path: { case: 'prefix', value: '/' } },
      { path: { case: 'regex', value: '(' } },
    ] as const;
    const bad = routeItem('bad', '/', { matches: badRegex.map((match) => ({ ...match })) });
    const [problem, ...others] = problemsOf([gatewayItem({ listeners }), bad]) as [Record<string, string>];
    assert.deepEqual(others, []);
    assert.equal(problem['reason'], 'invalid_resource');
    assert.equal(problem['resource'], 'route/default/bad');
    assert.equal(problem['pointer'], '/spec/matches/1');
    assert.match(problem['detail'] ?? '', /missing|parenthes/i);
  });

  it('refuses choices that it does not know as too old, and damaged resources as invalid', () => {
    const unknownProtocol = serviceItem('s', { protocol: 99 as Protocol });
    const unknownCharacter = routeItem('r', '/', { allowEncoded: [99 as EncodedCharacter] });
    const noTimeouts = {
      kind: 'route',
      key: 'route/default/n',
      value: create(CompiledRouteSchema, { name: 'default/n' }),
    } as const;
    const badNetwork = gatewayItem({ clientAddress: { trustedProxies: ['10.0.0.0/99'], header: 1 } });
    assert.deepEqual(problemsOf([badNetwork, unknownProtocol, unknownCharacter, noTimeouts]), [
      {
        reason: 'invalid_resource',
        resource: 'gateway/default',
        pointer: '',
        detail: '10.0.0.0/99 is no network',
      },
      { reason: 'too_old', resource: 'route/default/r', pointer: '', detail: 'encoded character 99' },
      {
        reason: 'invalid_resource',
        resource: 'route/default/n',
        pointer: '',
        detail: 'timeouts are missing',
      },
      { reason: 'too_old', resource: 'service/default/s', pointer: '', detail: 'protocol 99' },
    ]);
  });

  it('refuses a snapshot without a Gateway', () => {
    assert.deepEqual(problemsOf([routeItem('a', '/')]), [
      { reason: 'internal', resource: 'gateway', pointer: '', detail: 'the snapshot has no Gateway' },
    ]);
  });

  it('costs no more for one Route among 10,000 than a few milliseconds', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => routeItem(`r${index}`, `/r${index}`));
    const fixture = new NodeFixture();
    const before = table({ items: [gatewayItem(), ...many] });
    const tookMs = Array.from({ length: 20 }, (_, index) => {
      const update = fixture.update({ items: [routeItem('r5000', `/moved${index}`)] });
      const beganMs = performance.now();
      assert.ok(runAtOnce(buildTable(before, update, pools, shared)).ok);
      return performance.now() - beganMs;
    });
    const medianMs = tookMs.toSorted((a, b) => a - b)[10]!;
    // Far above what it takes, and far below a rebuild on any machine.
    assert.ok(medianMs < 100, `${medianMs} ms`);
    assert.equal([...sharedValues(before.routes)].length, 10_000);
  });
});

describe('listenerFor', () => {
  it('chooses by exact host, then the longest wildcard, then the listener for every host', () => {
    const on = (name: string, hosts: string[]) => ({ name, address: '127.0.0.1', port: 8080, hosts });
    const listeners = [
      on('any', []),
      on('wide', ['*.test']),
      on('narrow', ['*.b.test', 'c.test']),
      on('exact', ['a.b.test']),
    ];
    const [socket] = table({ items: [gatewayItem({ listeners })] }).sockets.values();
    const chosen = (host: string) => listenerFor(socket!, host)?.spec.name;
    assert.deepEqual(['a.b.test', 'x.y.b.test', 'c.test', 'd.test', 'test', ''].map(chosen), [
      'exact',
      'narrow',
      'narrow',
      'wide',
      'any',
      'any',
    ]);
  });

  it('gives none when no listener takes the host', () => {
    const listeners = [{ name: 'one', address: '127.0.0.1', port: 8080, hosts: ['a.test'] }];
    const [socket] = table({ items: [gatewayItem({ listeners })] }).sockets.values();
    assert.equal(listenerFor(socket!, 'b.test'), undefined);
  });
});
