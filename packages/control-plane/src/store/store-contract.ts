import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { apiVersion, type StoredResource } from '@causeway/model/resource';
import { type Change, type Commit, StaleBase, type Store } from './store.ts';

/** A change that brings a Service with a note in it. */
export function putService(name: string, revision: number, note: string, created = false): Change {
  const resource: StoredResource = {
    apiVersion,
    kind: 'Service',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: String(revision),
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00.000Z',
    },
    spec: { note },
  };
  return { op: 'put', resource, created };
}

export function commitOf(
  baseRevision: number,
  changes: readonly Change[],
  more: Partial<Commit> = {},
): Commit {
  return {
    baseRevision,
    author: 'token/admin',
    source: 'test',
    message: `number ${baseRevision + 1}`,
    requestId: `request-${baseRevision + 1}`,
    changes,
    secrets: [],
    purgedSecrets: [],
    ...more,
  };
}

const removeService = (name: string): Change => ({
  op: 'delete',
  identity: { kind: 'Service', namespace: 'default', name },
});

/** What every store must do. `open` gives an empty one that is closed when the test ends. */
export function storeContract(open: (t: TestContext) => Promise<Store> | Store): void {
  const namesAt = async (store: Store, revision: number): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      (await store.at(revision)).map(({ resource }) => [resource.metadata.name, resource.spec['note']]),
    );

  it('begins at revision 0 and counts one for each commit', async (t) => {
    const store = await open(t);
    assert.equal(await store.currentRevision(), 0);
    assert.deepEqual(await store.at(0), []);
    for (let base = 0; base < 3; base++) {
      const { revision } = await store.commit(commitOf(base, [putService('a', base + 1, `v${base}`)]));
      assert.equal(revision, base + 1);
      assert.equal(await store.currentRevision(), base + 1);
    }
  });

  it('refuses a base that is not the newest revision, and writes nothing of it', async (t) => {
    const store = await open(t);
    await store.commit(commitOf(0, [putService('a', 1, 'first', true)]));
    for (const base of [0, 2])
      await assert.rejects(
        store.commit(
          commitOf(base, [putService('b', base + 1, 'late', true)], {
            secrets: [{ ref: 'r', sealed: new Uint8Array([1]) }],
          }),
        ),
        StaleBase,
      );
    assert.deepEqual(await namesAt(store, 99), { a: 'first' });
    assert.equal(await store.secret('r'), undefined);
    assert.equal(await store.currentRevision(), 1);
  });

  it('tells the configuration of every revision', async (t) => {
    const store = await open(t);
    await store.commit(commitOf(0, [putService('a', 1, 'a1', true), putService('b', 1, 'b1', true)]));
    await store.commit(commitOf(1, [putService('a', 2, 'a2')]));
    await store.commit(commitOf(2, [removeService('b')]));
    await store.commit(commitOf(3, [putService('b', 4, 'b4', true)]));
    assert.deepEqual(await namesAt(store, 1), { a: 'a1', b: 'b1' });
    assert.deepEqual(await namesAt(store, 2), { a: 'a2', b: 'b1' });
    assert.deepEqual(await namesAt(store, 3), { a: 'a2' });
    assert.deepEqual(await namesAt(store, 4), { a: 'a2', b: 'b4' });
  });

  it('tells the changes after a revision, oldest first', async (t) => {
    const store = await open(t);
    await store.commit(commitOf(0, [putService('a', 1, 'a1', true), putService('b', 1, 'b1', true)]));
    await store.commit(commitOf(1, [removeService('a'), putService('b', 2, 'b2')]));
    const { revision, commits } = await store.changesSince(0);
    assert.equal(revision, 2);
    assert.deepEqual(
      commits.map((commit) => [commit.revision, commit.changes]),
      [
        [1, [putService('a', 1, 'a1', true), putService('b', 1, 'b1', true)]],
        [2, [removeService('a'), putService('b', 2, 'b2')]],
      ],
    );
    assert.deepEqual(
      (await store.changesSince(1)).commits.map((commit) => commit.revision),
      [2],
    );
    assert.deepEqual(await store.changesSince(2), { revision: 2, commits: [] });
  });

  it('records who did what, newest first and by pages', async (t) => {
    const store = await open(t);
    await store.commit(commitOf(0, [putService('a', 1, 'a1', true)]));
    await store.commit(commitOf(1, [putService('a', 2, 'a2'), removeService('zz')]));
    await store.commit(commitOf(2, [removeService('a')]));
    const newest = await store.revisions({ limit: 2 });
    assert.deepEqual(
      newest.map(({ revision, changes }) => [revision, changes]),
      [
        [3, [{ resource: 'service/default/a', op: 'delete' }]],
        [
          2,
          [
            { resource: 'service/default/a', op: 'update' },
            { resource: 'service/default/zz', op: 'delete' },
          ],
        ],
      ],
    );
    const { author, source, message, requestId, committedAt } = newest[0]!;
    assert.deepEqual(
      { author, source, message, requestId },
      { author: 'token/admin', source: 'test', message: 'number 3', requestId: 'request-3' },
    );
    assert.match(committedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(
      (await store.revisions({ limit: 2, before: 2 })).map(({ revision }) => revision),
      [1],
    );
    assert.equal((await store.revision(1))?.changes[0]?.op, 'create');
    assert.equal(await store.revision(4), undefined);
  });

  it('keeps sealed secrets until they are purged, keys and tokens by name', async (t) => {
    const store = await open(t);
    const sealed = new Uint8Array([1, 2, 3]);
    await store.commit(commitOf(0, [putService('a', 1, 'x', true)], { secrets: [{ ref: 'r1', sealed }] }));
    assert.deepEqual(Buffer.from((await store.secret('r1'))!), Buffer.from(sealed));
    await store.commit(commitOf(1, [putService('a', 2, 'y')], { purgedSecrets: ['r1'] }));
    assert.equal(await store.secret('r1'), undefined);
    const key = { purpose: 'p', slot: 'current', createdAt: 'now', sealed } as const;
    await store.putKey(key);
    await store.putKey({ ...key, createdAt: 'later' });
    assert.deepEqual(
      (await store.keys()).map(({ purpose, slot, createdAt }) => [purpose, slot, createdAt]),
      [['p', 'current', 'later']],
    );
    await store.writeKeyUses(
      [
        { hash: 'h', usedAt: 'now' },
        { hash: 'i', usedAt: 'now' },
      ],
      [],
    );
    await store.writeKeyUses([{ hash: 'h', usedAt: 'later' }], ['i']);
    assert.deepEqual(await store.keyUses(), [{ hash: 'h', usedAt: 'later' }]);
    const token = { name: 'admin', role: 'admin', sha256: sealed, createdAt: 'now' } as const;
    await store.putToken(token);
    await store.putToken({ ...token, createdAt: 'later' });
    assert.deepEqual(
      (await store.tokens()).map(({ name, role, createdAt }) => [name, role, createdAt]),
      [['admin', 'admin', 'later']],
    );
  });
}
