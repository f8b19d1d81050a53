import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openWorld, type World } from './testing/world.ts';
import { route, secret, service } from './testing/manifests.ts';
import { ResourceIndex } from './store/resource-index.ts';
import { StaleBase, StoreError } from './store/store.ts';
import { SignatureIndex } from './validate/signature-index.ts';
import { WritePath } from './write-path.ts';

const context = { author: '', source: '', message: '', requestId: '', force: false, dryRun: false };

describe('WritePath', () => {
  it('commits one revision for each request, none for one that changes nothing', async (t) => {
    const { write, store } = await openWorld(t);
    const first = await write([service('a'), route('r', 'a')]);
    assert.ok(!first.refused && first.committed?.revision === 1 && first.current === 1);
    const again = await write([service('a')]);
    assert.ok(!again.refused && again.committed === undefined && again.current === 1);
    assert.equal(await store.currentRevision(), 1);
  });

  it('writes nothing on a dry run, and says what it would do', async (t) => {
    const { write, store, index } = await openWorld(t);
    const outcome = await write([service('a'), secret('s', { k: 'v' })], [], { dryRun: true });
    assert.ok(!outcome.refused && outcome.committed === undefined);
    assert.equal(outcome.objects.length, 2);
    assert.equal(await store.currentRevision(), 0);
    assert.equal(index.get('service/default/a'), undefined);
  });

  it('stores nothing of a refused request (invariant 5)', async (t) => {
    const { write, store, index } = await openWorld(t);
    await write([service('a'), secret('s', { k: 'old' })]);
    const before = await store.at(1);
    const outcome = await write([service('a', [1]), secret('s', { k: 'new' }), route('r', 'nowhere')]);
    assert.equal(outcome.refused, 'invalid');
    assert.deepEqual(await store.at(99), before);
    assert.equal(await store.currentRevision(), 1);
    assert.equal(index.revision, 1);
  });

  it('loses no write when many come at once', async (t) => {
    const { write, index } = await openWorld(t);
    const names = Array.from({ length: 60 }, (_, count) => `s${count}`);
    const outcomes = await Promise.all(names.map((name) => write([service(name)])));
    const revisions = outcomes.map((outcome) => (outcome.refused ? 0 : outcome.committed?.revision));
    assert.deepEqual(
      revisions,
      names.map((_, count) => count + 1),
    );
    for (const name of names) assert.ok(index.get(`service/default/${name}`));
  });

  it('plans anew when another control plane was faster', async (t) => {
    const world = await openWorld(t);
    const other = await openWorldBeside(world);
    await other.write([service('theirs')]);
    const outcome = await world.write([service('ours'), route('r', 'theirs')]);
    assert.ok(!outcome.refused && outcome.committed?.revision === 2, JSON.stringify(outcome));
    await other.write([service('theirs', [7])]);
    assert.equal(other.index.revision, 3);
    assert.ok(other.index.get('service/default/ours'));
  });

  it('checks a precondition against what is there when its turn has come, after validity', async (t) => {
    const { writePath, write } = await openWorld(t);
    const createOnly = (name: string, backend: string) =>
      writePath.write(
        (index) => ({
          documents: [{ document: 0, manifest: route(name, backend) }],
          removals: [],
          precondition: () => {
            if (index.get(`route/default/${name}`)) throw new Error('exists');
          },
        }),
        context,
      );
    await write([service('a')]);
    const raced = await Promise.allSettled(Array.from({ length: 5 }, () => createOnly('r', 'a')));
    assert.equal(raced.filter(({ status }) => status === 'fulfilled').length, 1);
    const invalid = await createOnly('r', 'nowhere');
    assert.equal(invalid.refused, 'invalid');
    await assert.rejects(createOnly('r', 'a'), /exists/);
    const after = await write([service('b')]);
    assert.ok(!after.refused, 'a refused turn lets the next one through');
  });

  it('remembers why the last commit failed until one succeeds', async (t) => {
    const world = await openWorld(t);
    let failure: Error | undefined = new StoreError('storage_full', 'full');
    const store = new Proxy(world.store, {
      get(target, property) {
        if (property === 'commit' && failure) return () => Promise.reject(failure);
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const writePath = new WritePath({ ...world, store, ownAddresses: [] });
    const write = () =>
      writePath.write(
        () => ({ documents: [{ document: 0, manifest: service('a') }], removals: [] }),
        context,
      );
    assert.equal(writePath.storageFault, undefined);
    await assert.rejects(write(), StoreError);
    assert.equal(writePath.storageFault, 'storage_full');
    failure = new StaleBase('moved again and again');
    await assert.rejects(write(), StaleBase);
    failure = undefined;
    await write();
    assert.equal(writePath.storageFault, undefined);
  });
});

/** What another control plane on the same store has: an index and a write path of its own. */
async function openWorldBeside(world: World) {
  const index = await ResourceIndex.load(world.store);
  const writePath = new WritePath({
    ...world,
    index,
    signatures: new SignatureIndex(index),
    ownAddresses: [],
  });
  return {
    index,
    write: (documents: Parameters<typeof world.write>[0]) =>
      writePath.write(
        () => ({ documents: documents.map((manifest, document) => ({ document, manifest })), removals: [] }),
        context,
      ),
  };
}
