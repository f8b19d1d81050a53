import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateway, route, secret, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { secretReader } from './open-secret.ts';
import { referencesOf } from './secret-values.ts';
import { ResourceIndex, targetKey } from './resource-index.ts';

describe('ResourceIndex', () => {
  it('follows every revision, and is the same when it is loaded afresh', async (t) => {
    const world = await openWorld(t);
    await world.write([service('a'), service('b'), route('r', 'a'), gateway('edge')]);
    await world.write([route('r', 'b'), secret('s', { k: 'v' })]);
    await world.write([], [{ kind: 'Service', namespace: 'default', name: 'a' }]);
    const loaded = await ResourceIndex.load(world.store);
    assert.equal(loaded.revision, 3);
    assert.equal(world.index.revision, 3);
    for (const kind of ['Route', 'Service', 'Gateway', 'Secret']) {
      const sorted = (index: ResourceIndex) =>
        [...index.entriesOf(kind)].toSorted((x, y) => (x.key < y.key ? -1 : 1));
      assert.deepEqual(sorted(world.index), sorted(loaded));
      assert.equal(world.index.countOf(kind), sorted(loaded).length);
    }
    for (const index of [world.index, loaded]) {
      assert.deepEqual([...index.referrersOf('service/default/b')], ['route/default/r']);
      assert.deepEqual([...index.referrersOf('service/default/a')], []);
      assert.deepEqual([...index.referrersOf('gateway/default')], ['route/default/r']);
    }
  });

  it('tells listeners of every revision once, in order, with what was and what is', async (t) => {
    const world = await openWorld(t);
    const heard: unknown[] = [];
    world.index.onRevision((revision, _committedAt, changes) => {
      heard.push([
        revision,
        changes.map(({ key, before, after }) => [
          key,
          before?.resource.metadata.resourceVersion,
          after?.resource.metadata.resourceVersion,
        ]),
      ]);
    });
    await world.write([service('a')]);
    await world.write([service('a', [1]), service('b')]);
    await world.write([], [{ kind: 'Service', namespace: 'default', name: 'a' }]);
    await Promise.all([world.index.follow(), world.index.follow()]);
    assert.deepEqual(heard, [
      [1, [['service/default/a', undefined, '1']]],
      [
        2,
        [
          ['service/default/a', '1', '2'],
          ['service/default/b', undefined, '2'],
        ],
      ],
      [3, [['service/default/a', '2', undefined]]],
    ]);
  });

  it('fills in defaults beside the sparse spec, and hides secrets from what is derived', async (t) => {
    const world = await openWorld(t);
    await world.write([service('a'), route('r', 'a'), secret('s', { k: 'hunter2' })]);
    const entry = world.index.get('route/default/r')!;
    assert.equal(entry.resource.spec['priority'], undefined);
    assert.equal((entry.effective as { priority: number }).priority, 0);
    assert.deepEqual(
      entry.references.map(({ pointer, target }) => [pointer, target]),
      [
        ['/spec/gateways/0', 'gateway/default'],
        ['/spec/backends/0/service', 'service/default/a'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(world.index.get('secret/default/s')), /hunter2/);
  });
});

describe('the secrets of a ResourceIndex', () => {
  it('can be read as long as a current resource holds them', async (t) => {
    const world = await openWorld(t);
    const refs = (): string[] =>
      [...referencesOf(world.index.get('secret/default/s')?.resource).values()].map(
        ({ secretRef }) => secretRef,
      );
    await world.write([secret('s', { a: 'one', b: 'two' })]);
    const [a, b] = refs();
    assert.deepEqual([a!, b!].map(world.readSecret), ['one', 'two']);
    const loaded = secretReader(await ResourceIndex.load(world.store), world.sealer);
    assert.deepEqual([a!, b!].map(loaded), ['one', 'two']);
    await world.write([secret('s', { a: '(hidden)', b: 'other' })]);
    assert.deepEqual([a!, b!, refs()[1]!].map(world.readSecret), ['one', undefined, 'other']);
    await world.write([], [{ kind: 'Secret', namespace: 'default', name: 's' }]);
    assert.equal(world.readSecret(a!), undefined);
  });
});

describe('targetKey', () => {
  it('stays in the namespace of who refers, but for kinds that have none', () => {
    const from = { metadata: { name: 'x', namespace: 'shop' } };
    assert.equal(targetKey({ kind: 'Service', name: 'a' }, from), 'service/shop/a');
    assert.equal(targetKey({ kind: 'Gateway', name: 'a' }, from), 'gateway/a');
    assert.equal(targetKey({ kind: 'Service', name: 'a' }, { metadata: { name: 'x' } }), 'service/default/a');
  });
});
