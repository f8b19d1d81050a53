// What is on disk: an acknowledged write stays, a refused one leaves nothing, and a store that is not whole is not served.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminApi } from '../../kit/admin.ts';
import { eventually } from '../../kit/eventually.ts';
import { type ControlPlane, startCauseway, startControlPlane } from '../../kit/processes.ts';
import type { Owner } from '../../kit/owner.ts';
import { inNamespace, problemOf } from './one-control-plane.ts';

const kills = Number(process.env['CAUSEWAY_TEST_KILLS'] ?? 20);
const writers = 4;
const services = inNamespace('storm', 'services');

const service = (name: string, count: number): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name, namespace: 'storm', annotations: { count: String(count) } },
  spec: {},
});

const databaseFile = ({ dataDir }: ControlPlane): string => join(dataDir, 'control-plane', 'causeway.db');

/** What writers have been told, and what they have asked for last. */
class Ledger {
  readonly acknowledged = new Map<string, number>();
  readonly asked = new Map<string, number>();
  revision = 0;

  /** Two objects with the same number in one request, again and again until the control plane is gone. */
  async write(admin: AdminApi, writer: string): Promise<void> {
    for (;;) {
      const count = (this.asked.get(writer) ?? 0) + 1;
      this.asked.set(writer, count);
      try {
        const items = [service(`${writer}-left`, count), service(`${writer}-right`, count)];
        const answer = await admin.call('POST', 'apply', { body: { kind: 'List', items } });
        assert.equal(answer.status, 200, answer.text);
        this.acknowledged.set(writer, count);
        this.revision = Math.max(this.revision, Number(answer.headers['causeway-revision']));
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        return;
      }
    }
  }

  async check(admin: AdminApi): Promise<void> {
    const list = await admin.call('GET', services);
    const counts = new Map(
      (list.field('items') as { metadata: { name: string; annotations: { count: string } } }[]).map(
        ({ metadata }) => [metadata.name, Number(metadata.annotations.count)],
      ),
    );
    for (const [writer, asked] of this.asked) {
      const [left, right] = [counts.get(`${writer}-left`) ?? 0, counts.get(`${writer}-right`) ?? 0];
      assert.equal(left, right, 'a request is stored whole or not at all');
      const told = this.acknowledged.get(writer) ?? 0;
      assert.ok(left >= told, `${writer} was told ${told}, the store has ${left}`);
      assert.ok(left <= asked, `${writer} asked for ${asked}, the store has ${left}`);
    }
    assert.ok(Number(list.field('metadata', 'resourceVersion')) >= this.revision);
  }
}

describe('a control plane killed in a storm of writes', () => {
  it(`loses nothing that it acknowledged, ${kills} times over (invariant 10)`, async (t) => {
    const controlPlane = await startControlPlane(t);
    const ledger = new Ledger();
    for (let kill = 0; kill < kills; kill++) {
      const storm = Promise.all(
        Array.from({ length: writers }, (_, index) => ledger.write(controlPlane.admin, `w${index}`)),
      );
      await sleep(10 + ((kill * 37) % 120));
      await controlPlane.kill();
      await storm;
      const database = new DatabaseSync(databaseFile(controlPlane));
      assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
      database.close();
      await controlPlane.start();
      await ledger.check(controlPlane.admin);
    }
    assert.ok(ledger.revision > kills * 2, `only ${ledger.revision} writes went through`);
  });
});

describe('a data directory', () => {
  it('is refused to a second control plane, at once and by name; the first goes on', async (t) => {
    const controlPlane = await startControlPlane(t);
    const startedMs = performance.now();
    const refused = await refusedStart(t, controlPlane);
    assert.match(refused, /control-plane is in use by another process \(process \d+\).*--data-dir/);
    assert.ok(performance.now() - startedMs < 5000);
    assert.equal((await controlPlane.admin.call('GET', 'routes')).status, 200);
    await controlPlane.kill();
    await controlPlane.start();
  });

  it('with a damaged, truncated, lost or newer database is not served, and not changed', async (t) => {
    const controlPlane = await startControlPlane(t);
    const items = Array.from({ length: 200 }, (_, index) => service(`s${index}`, index));
    assert.equal(
      (await controlPlane.admin.call('POST', 'apply', { body: { kind: 'List', items } })).status,
      200,
    );
    await controlPlane.stop();
    const file = databaseFile(controlPlane);
    const whole = readFileSync(file);
    const newer = Buffer.from(whole);
    // The schema's version stands at offset 60 of the header (https://www.sqlite.org/fileformat.html#user_version_number).
    newer.writeUInt32BE(99, 60);
    const cases: [string, Buffer | undefined, RegExp][] = [
      [
        'noise in a page',
        withNoise(whole, 8192),
        /causeway\.db (is damaged|cannot be opened).*restore a backup/,
      ],
      ['noise in the header', withNoise(whole, 0), /causeway\.db cannot be opened.*restore a backup/],
      [
        'half of it',
        whole.subarray(0, 4096 * 3),
        /causeway\.db (is damaged|cannot be opened).*restore a backup/,
      ],
      ['nothing in it', Buffer.alloc(0), /causeway\.db is missing or empty.*restore a backup/],
      ['no file', undefined, /causeway\.db is missing or empty.*restore a backup/],
      ['a newer schema', newer, /schema 99.*start the version that wrote it/],
    ];
    for (const [what, bytes, words] of cases) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      if (bytes) writeFileSync(file, bytes);
      assert.match(await refusedStart(t, controlPlane), words, what);
      if (bytes) assert.deepEqual(readFileSync(file), bytes, what);
    }
    writeFileSync(file, whole);
    await controlPlane.start();
    const list = await controlPlane.admin.call('GET', `${services}?limit=1`);
    assert.equal(list.field('metadata', 'remainingItemCount'), 199);
  });

  it('whose sealing key is lost or another one is refused, with everything left as it is', async (t) => {
    const controlPlane = await startControlPlane(t);
    await controlPlane.stop();
    const key = join(controlPlane.dataDir, 'control-plane', 'sealing.key');
    const [right, database] = [readFileSync(key), readFileSync(databaseFile(controlPlane))];
    rmSync(key);
    assert.match(await refusedStart(t, controlPlane), /sealing\.key is missing.*restore it/);
    assert.equal(existsSync(key), false);
    writeFileSync(key, Buffer.alloc(32, 1).toString('base64'));
    assert.match(await refusedStart(t, controlPlane), /cannot be opened.*sealing\.key, or --sealing-key/);
    assert.deepEqual(readFileSync(databaseFile(controlPlane)), database);
    writeFileSync(key, right);
    await controlPlane.start();
  });
});

describe('a full disk', { skip: process.platform !== 'linux' && 'prlimit(2) is Linux' }, () => {
  it('refuses writes with 507, serves reads, says so, and is over without a restart', async (t) => {
    const controlPlane = await startControlPlane(t);
    const { admin } = controlPlane;
    await admin.call('PUT', `${services}/kept`, { body: service('kept', 1) });
    const metric = async (): Promise<string | undefined> =>
      /^causeway_storage_full (\d)$/m.exec((await admin.call('GET', '/metrics')).text)?.[1];
    assert.equal(await metric(), '0');
    const full = statSync(`${databaseFile(controlPlane)}-wal`).size;
    limitFileSize(controlPlane.child.pid, String(full));
    const before = (await admin.call('GET', services)).text;
    for (const call of [
      () => admin.call('PUT', `${services}/kept`, { body: service('kept', 2) }),
      () => admin.call('POST', 'apply', { body: { kind: 'List', items: [service('new', 1)] } }),
      () => admin.call('DELETE', `${services}/kept`),
    ]) {
      const problem = problemOf(await call(), 507, 'storage_full');
      assert.match(problem.detail, /disk .* is full: free space/);
    }
    assert.equal((await admin.call('GET', services)).text, before);
    assert.equal((await admin.call('GET', '/readyz')).status, 200);
    assert.equal(await metric(), '1');
    await controlPlane.child.waitForLog(
      'why writes fail',
      ({ level, msg }) => level === 'error' && msg === 'request failed',
    );
    limitFileSize(controlPlane.child.pid, 'unlimited');
    const written = await admin.call('PUT', `${services}/kept`, { body: service('kept', 3) });
    assert.equal(written.status, 200, written.text);
    assert.equal(written.headers['causeway-revision'], '2');
    assert.equal(await metric(), '0');
    await controlPlane.kill();
    await controlPlane.start();
    const read = await eventually(() => controlPlane.admin.call('GET', `${services}/kept`), {
      what: 'it is there',
    });
    assert.equal(read.field('metadata', 'annotations', 'count'), '3');
  });
});

/** The last words of a control plane that must not start on the data of another one. */
async function refusedStart(owner: Owner, { dataDir }: ControlPlane): Promise<string> {
  const ports = ['--admin-addr', '127.0.0.1:0', '--stream-addr', '127.0.0.1:0'];
  const child = startCauseway(owner, 'control-plane', ['--data-dir', dataDir, ...ports]);
  assert.equal((await child.expectEnd()).code, 1);
  assert.ok(!child.logs.some(({ msg }) => msg === 'listening'));
  return child.logs.findLast(({ level }) => level === 'fatal')?.msg ?? '';
}

function withNoise(bytes: Buffer, offset: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.fill(0xa5, offset, offset + 4096);
  return damaged;
}

/** Lets a process write no file beyond `bytes`: what it sees is a disk that is full. */
function limitFileSize(pid: number, bytes: string): void {
  const limits = ['--pid', String(pid), `--fsize=${bytes}:unlimited`];
  const { error, status, stderr } = spawnSync('prlimit', limits);
  if (error) assert.fail('prlimit is missing; on Debian: sudo apt-get install util-linux');
  assert.equal(status, 0, String(stderr));
}
