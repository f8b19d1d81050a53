import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { itemDigest } from '@causeway/proto/digest';
import {
  AffinityKeysSchema,
  LoginKeysSchema,
  ItemSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { LastGood, type Snapshot } from './last-good.ts';

function snapshot(revision: number): Snapshot {
  const bytes = Buffer.from(String(revision));
  const items = [
    create(ItemSchema, { key: 'route/default/r', schemaVersion: 1, bytes, digest: itemDigest(1, bytes) }),
  ];
  return {
    revision,
    items: SnapshotItems.empty.with({ upserts: items, removedKeys: [] }),
    endpoints: new Map(),
  };
}

function open(t: TestContext): { store: LastGood; path: string; clock: ManualClock; lines: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-last-good-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const path = join(directory, 'snapshot');
  return { store: new LastGood(path, clock, logger), path, clock, lines };
}

describe('LastGood', () => {
  it('reads back what it wrote, in a file for the owner alone', async (t) => {
    const { store, path } = open(t);
    assert.equal(store.read(), undefined);
    const affinityKeys = create(AffinityKeysSchema, { current: Buffer.alloc(32, 1) });
    const loginKeys = create(LoginKeysSchema, { current: Buffer.alloc(32, 2) });
    store.save({ ...snapshot(7), affinityKeys, loginKeys });
    await store.flush();
    assert.equal(store.read()?.revision, 7);
    assert.deepEqual(store.read()?.affinityKeys?.current, affinityKeys.current);
    assert.deepEqual(store.read()?.loginKeys?.current, loginKeys.current);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('writes a burst once, the newest of it', async (t) => {
    const { store, path, clock } = open(t);
    store.save(snapshot(1));
    await store.flush();
    const first = statSync(path).ino;
    store.save(snapshot(2));
    store.save(snapshot(3));
    assert.equal(statSync(path).ino, first);
    clock.advance(1000);
    await store.flush();
    assert.equal(store.read()?.revision, 3);
  });

  it('falls back to the file before when the newest is torn, and says so', async (t) => {
    const { store, path, lines } = open(t);
    store.save(snapshot(1));
    await store.flush();
    store.save(snapshot(2));
    await store.flush();
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    assert.equal(store.read()?.revision, 1);
    assert.match(lines.join(''), /its seal is broken/);
  });

  it('reads nothing from files of another kind', async (t) => {
    const { store, path } = open(t);
    writeFileSync(path, 'something else entirely, and long enough for a header and a checksum of its own');
    assert.equal(store.read(), undefined);
    assert.equal(readdirSync(join(path, '..')).length, 1);
  });

  it('holds nothing that can be read without the key beside it', async (t) => {
    const { store, path } = open(t);
    store.save(snapshot(7));
    await store.flush();
    assert.ok(!readFileSync(path).includes('route/default/r'));
    assert.equal(statSync(`${path}.key`).mode & 0o777, 0o600);
    const key = readFileSync(`${path}.key`);
    store.save(snapshot(8));
    await store.flush();
    assert.deepEqual(readFileSync(`${path}.key`), key, 'made once');
  });

  it('is read by a later process with the key of the first', async (t) => {
    const { store, path, clock } = open(t);
    store.save(snapshot(7));
    await store.flush();
    const later = new LastGood(path, clock, createLogger({ level: 'error' }));
    assert.equal(later.read()?.revision, 7);
  });

  it('says which key is at fault, reads nothing, and goes on with a new one', async (t) => {
    const cases: [(keyFile: string) => void, RegExp][] = [
      [(file) => rmSync(file), /its key is gone/],
      [(file) => writeFileSync(file, 'c2hvcnQ='), /\.key has 5 bytes, not 32/],
      [(file) => (rmSync(file), mkdirSync(file)), /\.key cannot be read: EISDIR/],
      [
        (file) => writeFileSync(file, Buffer.alloc(32, 1).toString('base64')),
        /its seal is broken: it is damaged, or was sealed with another key/,
      ],
    ];
    for (const [spoil, complaint] of cases) {
      const first = open(t);
      first.store.save(snapshot(7));
      await first.store.flush();
      spoil(`${first.path}.key`);
      const lines: string[] = [];
      const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
      const store = new LastGood(first.path, first.clock, logger);
      assert.equal(store.read(), undefined);
      assert.match(lines.join(''), complaint);
      store.save(snapshot(8));
      await store.flush();
      if (statSync(`${first.path}.key`).isDirectory()) continue;
      assert.equal(store.read()?.revision, 8);
      assert.equal(new LastGood(first.path, first.clock, logger).read()?.revision, 8);
    }
  });
});
