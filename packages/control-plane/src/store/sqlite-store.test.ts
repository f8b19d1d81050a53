import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import SqliteDatabase from 'better-sqlite3';
import { tempDirectory } from '../testing/world.ts';
import { migrate } from './migrations.ts';
import { SqliteStore } from './sqlite-store.ts';
import { commitOf, putService, storeContract } from './store-contract.ts';
import { StoreError } from './store.ts';

const clock = new ManualClock();

/** Refusals name the file and a code. */
const refusal = (path: string, code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StoreError);
  assert.equal(error.code, code);
  assert.ok(error.message.includes(path) || code === 'newer_schema', error.message);
  assert.match(error.message, words);
  return true;
};

describe('SqliteStore', () => {
  storeContract((t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    return store;
  });

  it('has a history that can be neither changed nor deleted', async (t) => {
    const path = join(tempDirectory(t), 'causeway.db');
    const store = SqliteStore.open(path, clock);
    await store.commit(commitOf(0, [putService('a', 1, 'a1', true)]));
    await store.close();
    const database = new SqliteDatabase(path);
    t.after(() => database.close());
    for (const sql of [
      "UPDATE changes SET body = '{}'",
      'DELETE FROM changes',
      "UPDATE revisions SET author = 'nobody'",
      'DELETE FROM revisions',
    ])
      assert.throws(() => database.exec(sql), /append-only/, sql);
  });

  it('holds one object at most once in a revision', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    await assert.rejects(
      store.commit(commitOf(0, [putService('a', 1, 'x', true), putService('a', 1, 'y')])),
      /UNIQUE/,
    );
    assert.equal(await store.currentRevision(), 0);
  });

  it('is there again after it was closed, and as a copy taken at any commit (invariant 10)', async (t) => {
    const directory = tempDirectory(t);
    const path = join(directory, 'causeway.db');
    const store = SqliteStore.open(path, clock);
    t.after(() => store.close());
    for (let base = 0; base < 20; base++) {
      await store.commit(commitOf(base, [putService(`s${base % 5}`, base + 1, `v${base}`)]));
      // What is on disk when the acknowledgement has been given, as a power cut would leave it.
      const copy = join(directory, `copy-${base}.db`);
      for (const suffix of ['', '-wal'])
        if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
      const opened = SqliteStore.open(copy, clock);
      assert.equal(await opened.currentRevision(), base + 1);
      assert.deepEqual(await opened.at(base + 1), await store.at(base + 1));
      await opened.close();
    }
  });

  it('refuses a schema from a newer version and leaves it as it was', (t) => {
    const path = join(tempDirectory(t), 'causeway.db');
    const database = new SqliteDatabase(path);
    database.pragma('user_version = 99');
    database.close();
    assert.throws(() => SqliteStore.open(path, clock), refusal(path, 'newer_schema', /schema 99.*backup/));
    const again = new SqliteDatabase(path);
    t.after(() => again.close());
    assert.equal(again.pragma('user_version', { simple: true }), 99);
  });

  it('refuses a damaged file by its name, and does not write to it', async (t) => {
    const directory = tempDirectory(t);
    const path = join(directory, 'causeway.db');
    const store = SqliteStore.open(path, clock);
    for (let base = 0; base < 200; base++)
      await store.commit(commitOf(base, [putService(`service-${base}`, base + 1, 'x'.repeat(200), true)]));
    await store.close();
    const whole = readFileSync(path);
    const damages: Record<string, Buffer> = {
      'a page of noise': Buffer.concat([
        whole.subarray(0, 8192),
        Buffer.alloc(4096, 0xa5),
        whole.subarray(12_288),
      ]),
      'a header of noise': Buffer.concat([Buffer.alloc(100, 0xa5), whole.subarray(100)]),
      'half of it': whole.subarray(0, Math.floor(whole.byteLength / 2 / 4096) * 4096),
      'another kind of file': Buffer.from('{"this": "is no database"}'.repeat(100)),
    };
    for (const [damage, bytes] of Object.entries(damages)) {
      writeFileSync(path, bytes);
      assert.throws(
        () => SqliteStore.open(path, clock),
        refusal(path, 'unreadable', /restore a backup/),
        damage,
      );
      assert.deepEqual(readFileSync(path), bytes, damage);
    }
  });

  it('takes an empty or missing file for a lost one where there has been a store', (t) => {
    const path = join(tempDirectory(t), 'causeway.db');
    const lost = refusal(path, 'unreadable', /missing or empty/);
    assert.throws(() => SqliteStore.open(path, clock, { mayBeNew: false }), lost);
    writeFileSync(path, '');
    assert.throws(() => SqliteStore.open(path, clock, { mayBeNew: false }), lost);
  });

  it('leaves nothing of a purged secret in any file', async (t) => {
    const directory = tempDirectory(t);
    const path = join(directory, 'causeway.db');
    const store = SqliteStore.open(path, clock);
    t.after(() => store.close());
    const sealed = Buffer.from('ciphertext-that-must-go'.repeat(10));
    await store.commit(commitOf(0, [putService('a', 1, 'x', true)], { secrets: [{ ref: 'r1', sealed }] }));
    const files = (): Buffer[] => readdirSync(directory).map((file) => readFileSync(join(directory, file)));
    assert.ok(files().some((bytes) => bytes.includes('ciphertext-that-must-go')));
    await store.commit(commitOf(1, [putService('a', 2, 'y')], { purgedSecrets: ['r1'] }));
    assert.ok(!files().some((bytes) => bytes.includes('ciphertext-that-must-go')));
  });

  it('finds the objects of a revision in time that does not grow with their square', async (t) => {
    const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
    t.after(() => store.close());
    const many = Array.from({ length: 5000 }, (_, index) => putService(`s${index}`, 1, 'x', true));
    await store.commit(commitOf(0, many));
    const startedMs = performance.now();
    assert.equal((await store.at(1)).length, 5000);
    // About 15 ms; a search by revision alone took 2 s.
    assert.ok(performance.now() - startedMs < 8000);
  });
});

describe('migrate', () => {
  const steps = ['CREATE TABLE a (x INTEGER)', 'CREATE TABLE b (x INTEGER)'];

  it('takes the steps that are missing, once', (t) => {
    const database = new SqliteDatabase(join(tempDirectory(t), 'x.db'));
    t.after(() => database.close());
    migrate(database, steps.slice(0, 1));
    migrate(database, steps);
    migrate(database, steps);
    assert.equal(database.pragma('user_version', { simple: true }), 2);
    database.exec('INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)');
  });

  it('leaves the schema of the last good step when one fails half-way', (t) => {
    const database = new SqliteDatabase(join(tempDirectory(t), 'x.db'));
    t.after(() => database.close());
    const failing = 'CREATE TABLE c (x INTEGER); INSERT INTO nowhere VALUES (1)';
    assert.throws(() => migrate(database, [...steps, failing]), /nowhere/);
    assert.equal(database.pragma('user_version', { simple: true }), 2);
    assert.throws(() => database.exec('INSERT INTO c VALUES (1)'), /no such table/);
  });
});
