import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { itemDigest } from '@causeway/proto/digest';
import { ItemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
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
    store.save(snapshot(7));
    await store.flush();
    assert.equal(store.read()?.revision, 7);
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
    assert.match(lines.join(''), /checksum/);
  });

  it('reads nothing from files of another kind', async (t) => {
    const { store, path } = open(t);
    writeFileSync(path, 'something else entirely, and long enough for a header and a checksum of its own');
    assert.equal(store.read(), undefined);
    assert.equal(readdirSync(join(path, '..')).length, 1);
  });
});
