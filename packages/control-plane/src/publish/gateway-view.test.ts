import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Identity, identityOf, type Manifest, resourceKey } from '@causeway/model/resource';
import * as fc from 'fast-check';
import { gateway, manifest, route, secret, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { GatewayView } from './gateway-view.ts';

const keysOf = (view: GatewayView): string[] => [...view.items.values()].map(({ key }) => key).toSorted();

/** Everything that a node of the view's Gateway would be sent, for comparison. */
const contentOf = (view: GatewayView): unknown => ({
  digest: Buffer.from(view.items.rootDigest).toString('hex'),
  keys: keysOf(view),
  endpoints: [...view.endpoints.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)),
});

describe('GatewayView', () => {
  it('holds the Gateway, its Routes and the Services that these refer to, nothing else', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    await write([
      service('a'),
      service('b'),
      service('unused'),
      gateway('edge'),
      route('public', 'a'),
      route('private', 'b', { gateways: ['edge'] }),
      route('both', 'a', { gateways: ['default/http', 'edge'] }),
      secret('s', { k: 'v' }),
    ]);
    const [main, edge, other] = ['default', 'edge', 'nowhere'].map(
      (name) => new GatewayView(name, index, readSecret, hashes),
    );
    assert.deepEqual(keysOf(main!), [
      'gateway/default',
      'route/default/both',
      'route/default/public',
      'service/default/a',
    ]);
    assert.deepEqual([...main!.endpoints.keys()], ['default/a']);
    assert.deepEqual(keysOf(edge!), [
      'gateway/edge',
      'route/default/both',
      'route/default/private',
      'service/default/a',
      'service/default/b',
    ]);
    assert.deepEqual(keysOf(other!), []);
    assert.deepEqual([main!.exists, edge!.exists, other!.exists], [true, true, false]);
  });

  it('holds descriptors as soon as they are known, and not the Service that they are read from', async (t) => {
    const { write, writePath, index, readSecret, hashes } = await openWorld(t);
    const set = manifest('DescriptorSet', 'shop', { reflection: { service: 'asked' } });
    await write([
      service('a'),
      service('asked'),
      set,
      route('shop', 'a', { filters: [{ transcode: { descriptors: 'shop' } }] }),
    ]);
    const view = new GatewayView('default', index, readSecret, hashes);
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    const before = ['gateway/default', 'route/default/shop', 'service/default/a'];
    assert.deepEqual(keysOf(view), before);
    const pinned = { data: 'CgkKB2EucHJvdG8=', at: '2026-01-01T00:00:00.000Z' };
    const context = { author: 'a', source: '', message: '', requestId: '', force: false, dryRun: false };
    const pin = { set: identityOf(set), pinned };
    await writePath.write(() => ({ documents: [], removals: [], pin }), context);
    assert.deepEqual(keysOf(view), ['descriptors/default/shop', ...before]);
    await write([route('shop', 'a')]);
    assert.deepEqual(keysOf(view), before);
  });

  it('holds the Middlewares of its Routes and of the Gateway itself, as long as they are named', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    const middleware = (name: string, body = ''): Manifest =>
      manifest('Middleware', name, { filters: [{ respond: { body } }] });
    const edge = (filters: object[]): Manifest => manifest('Gateway', 'edge', { filters });
    await write([
      middleware('ours'),
      middleware('routes'),
      middleware('unused'),
      edge([{ middleware: 'ours' }]),
      manifest('Route', 'r', { gateways: ['edge'], filters: [{ middleware: 'routes' }] }),
    ]);
    const view = new GatewayView('edge', index, readSecret, hashes);
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    const held = (): string[] => keysOf(view).filter((key) => key.startsWith('middleware/'));
    assert.deepEqual(held(), ['middleware/default/ours', 'middleware/default/routes']);
    const before = view.items.get('middleware/default/routes');
    await write([middleware('routes', 'changed'), edge([{ middleware: 'unused' }])]);
    assert.deepEqual(held(), ['middleware/default/routes', 'middleware/default/unused']);
    assert.notEqual(view.items.get('middleware/default/routes'), before);
    await write([edge([])], [{ kind: 'Route', namespace: 'default', name: 'r' }]);
    assert.deepEqual(held(), []);
    await write([], [{ kind: 'Gateway', name: 'edge' }]);
    assert.deepEqual(keysOf(view), []);
  });

  it('shares what a change does not touch', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    await write([service('a'), route('r1', 'a'), route('r2', 'a')]);
    const view = new GatewayView('default', index, readSecret, hashes);
    const before = new Map([...view.items.values()].map((item) => [item.key, item]));
    const set = view.endpoints.get('default/a');
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    await write([route('r1', 'a', { priority: 1 })]);
    for (const item of view.items.values())
      assert.equal(item === before.get(item.key), item.key !== 'route/default/r1', item.key);
    assert.equal(view.endpoints.get('default/a'), set);
  });

  it('is not changed in place: who holds its items holds what they were', async (t) => {
    const { write, index, readSecret, hashes } = await openWorld(t);
    await write([service('a'), route('r', 'a')]);
    const view = new GatewayView('default', index, readSecret, hashes);
    const held = view.items;
    const digest = held.rootDigest;
    index.onRevision((_revision, _committedAt, changes) => view.apply(changes));
    await write([], [{ kind: 'Route', namespace: 'default', name: 'r' }]);
    assert.equal(held.size, 3);
    assert.deepEqual(held.rootDigest, digest);
    assert.deepEqual(keysOf(view), ['gateway/default']);
  });

  it('after any changes is what it would be had it been made from scratch', async (t) => {
    let commits = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { maxLength: 12 }), async (sequence) => {
        const { write, index, readSecret, hashes } = await openWorld(t);
        await write([
          service('a'),
          service('b'),
          service('c'),
          middleware('m1', ''),
          middleware('m2', ''),
          gateway('edge', ['http', 'two']),
        ]);
        const views = ['default', 'edge'].map((name) => new GatewayView(name, index, readSecret, hashes));
        index.onRevision((_revision, _committedAt, changes) => {
          for (const view of views) view.apply(changes);
        });
        for (const { documents, removals } of sequence) {
          const written = new Set(documents.map((each) => resourceKey(identityOf(each))));
          const there = removals.filter(
            (each) => index.get(resourceKey(each)) && !written.has(resourceKey(each)),
          );
          // Some are refused, for references that lead nowhere: then nothing may change.
          const outcome = await write(documents, there);
          if (!outcome.refused && outcome.committed) commits += 1;
          for (const view of views)
            assert.deepEqual(
              contentOf(view),
              contentOf(new GatewayView(view.gateway, index, readSecret, hashes)),
            );
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(commits > 60, `only ${commits} of the requests changed anything`);
  });
});

const services = ['a', 'b', 'c'];
const middlewares = ['m1', 'm2'];
const middleware = (name: string, filter: string): Manifest =>
  manifest('Middleware', name, { filters: [{ name: `x${filter}`, disabled: true }] });
const documents: fc.Arbitrary<Manifest> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...services), fc.integer({ min: 1, max: 3 }))
    .map(([name, port]) => service(name, [port])),
  fc
    .tuple(
      fc.constantFrom('r1', 'r2', 'r3'),
      fc.subarray(services, { minLength: 1 }),
      fc.subarray(['default', 'default/http', 'edge', 'edge/two'], { minLength: 1 }),
      fc.integer({ min: 0, max: 1 }),
      fc.subarray(middlewares),
    )
    .map(([name, backends, gateways, priority, brought]) =>
      manifest('Route', name, {
        gateways,
        priority,
        backends: backends.map((each) => ({ service: each })),
        filters: brought.map((each) => ({ middleware: each })),
      }),
    ),
  fc
    .tuple(fc.constantFrom(...middlewares), fc.constantFrom('', 'y'))
    .map(([name, filter]) => middleware(name, filter)),
  fc.subarray(middlewares).map((brought) =>
    manifest('Gateway', 'edge', {
      listeners: [
        { name: 'http', port: 8080 },
        { name: 'two', port: 8081 },
      ],
      filters: brought.map((each) => ({ middleware: each })),
    }),
  ),
  fc
    .tuple(fc.constantFrom('default', 'edge'), fc.constantFrom(['http'], ['http', 'two']))
    .map(([name, listeners]) => gateway(name, listeners)),
);
const removals: fc.Arbitrary<Identity> = fc.constantFrom(
  ...services.map((name) => ({ kind: 'Service', namespace: 'default', name })),
  ...middlewares.map((name) => ({ kind: 'Middleware', namespace: 'default', name })),
  ...['r1', 'r2', 'r3'].map((name) => ({ kind: 'Route', namespace: 'default', name })),
  ...['default', 'edge'].map((name) => ({ kind: 'Gateway', name })),
);
const requests = fc.record({
  documents: fc.uniqueArray(documents, {
    maxLength: 4,
    selector: (each) => resourceKey(identityOf(each)),
  }),
  removals: fc.uniqueArray(removals, { maxLength: 2 }),
});
