// Guards against overwriting what somebody else wrote, one by one and with many writers at once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../kit/admin.ts';
import { inNamespace, oneControlPlane, problemOf } from './one-control-plane.ts';

const services = inNamespace('conflicts', 'services');
const service = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name, ...metadata },
  spec,
});
const port = (value: number): object => ({ endpoints: [{ address: '127.0.0.1', port: value }] });
const merge = 'application/merge-patch+json';

describe('guards of a write', () => {
  const plane = oneControlPlane();
  const put = (name: string, spec: object, headers: Record<string, string> = {}): Promise<Answer> =>
    plane.admin.call('PUT', `${services}/${name}`, { body: service(name, spec), headers });
  const versionOf = (answer: Answer): string => String(answer.field('metadata', 'resourceVersion'));

  it('If-Match lets only the version through that was read', async () => {
    const first = await put('etag', port(1));
    const etag = String(first.headers['etag']);
    const second = await put('etag', port(2), { 'if-match': etag });
    assert.equal(second.status, 200);
    for (const headers of [{ 'if-match': etag }, { 'if-match': `W/${String(second.headers['etag'])}` }]) {
      problemOf(await put('etag', port(3), headers), 412, 'precondition_failed');
      problemOf(
        await plane.admin.call('PATCH', `${services}/etag`, { body: {}, contentType: merge, headers }),
        412,
        'precondition_failed',
      );
      problemOf(
        await plane.admin.call('DELETE', `${services}/etag`, { headers }),
        412,
        'precondition_failed',
      );
    }
    const refused = problemOf(await put('etag', port(3), { 'if-match': etag }), 412, 'precondition_failed');
    assert.equal(
      refused.detail,
      `service/conflicts/etag is at resourceVersion ${versionOf(second)}, not ${versionOf(first)}`,
    );
    const list = `"1", ${String(second.headers['etag'])}`;
    assert.equal((await put('etag', port(4), { 'if-match': list })).status, 200);
    assert.equal((await put('etag', port(5), { 'if-match': '*' })).status, 200);
    problemOf(await put('absent', port(1), { 'if-match': '*' }), 412, 'precondition_failed');
    problemOf(await put('absent', port(1), { 'if-match': '"1"' }), 412, 'precondition_failed');
  });

  it('If-None-Match: * creates only', async () => {
    const headers = { 'if-none-match': '*' };
    assert.equal((await put('once', port(1), headers)).status, 201);
    problemOf(await put('once', port(2), headers), 412, 'precondition_failed');
    const read = await plane.admin.call('GET', `${services}/once`);
    assert.deepEqual(read.field('spec'), port(1));
  });

  it('a resourceVersion in the body fails with 409, in PUT, PATCH and apply', async () => {
    const first = await put('version', port(1));
    await put('version', port(2));
    const stale = service('version', port(3), {
      namespace: 'conflicts',
      resourceVersion: versionOf(first),
    });
    const refused = problemOf(
      await plane.admin.call('PUT', `${services}/version`, { body: stale }),
      409,
      'conflict',
    );
    assert.match(
      refused.detail,
      /service\/conflicts\/version is at resourceVersion \d+, not \d+, nothing was written/,
    );
    assert.equal(refused.errors[0]?.pointer, '/metadata/resourceVersion');
    problemOf(
      await plane.admin.call('PATCH', `${services}/version`, {
        body: { metadata: { resourceVersion: versionOf(first) } },
        contentType: merge,
      }),
      409,
      'conflict',
    );
    problemOf(await plane.admin.call('POST', 'apply', { body: stale }), 409, 'conflict');
    assert.deepEqual((await plane.admin.call('GET', `${services}/version`)).field('spec'), port(2));
  });

  it('status of nodes moves no version: what was read before stays good', async () => {
    const first = await put('still', port(1));
    await put('another', port(1));
    const again = await plane.admin.call('GET', `${services}/still`);
    assert.equal(again.headers['etag'], first.headers['etag']);
  });

  it('ten writers that read, change and write with the version lose no update', async () => {
    await put('counter', {});
    const path = `${services}/counter`;
    const increments = 8;
    const writers = Array.from({ length: 10 }, async (_, writer) => {
      for (let done = 0; done < increments; ) {
        const read = await plane.admin.call('GET', path);
        const notes = (read.field('metadata', 'annotations') ?? {}) as Record<string, string>;
        const sum = Number(notes['sum'] ?? '0') + 1;
        const annotations = { ...notes, sum: String(sum), [`writer-${writer}`]: String(done + 1) };
        const isByHeader = writer % 2 === 0;
        const written = await plane.admin.call('PUT', path, {
          body: service(
            'counter',
            {},
            {
              annotations,
              ...(isByHeader ? {} : { resourceVersion: versionOf(read) }),
            },
          ),
          headers: isByHeader ? { 'if-match': String(read.headers['etag']) } : {},
        });
        if (written.status === 200) done += 1;
        else assert.ok([409, 412].includes(written.status), written.text);
      }
    });
    await Promise.all(writers);
    const { sum, ...each } = (await plane.admin.call('GET', path)).field('metadata', 'annotations') as Record<
      string,
      string
    >;
    assert.equal(Number(sum), 10 * increments);
    assert.deepEqual(
      Object.values(each).map(Number),
      Array.from({ length: 10 }, () => increments),
    );
  });

  it('patches of different fields at the same time all count, without any guard', async () => {
    await put('patched', {});
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        plane.admin.call('PATCH', `${services}/patched`, {
          body: { metadata: { labels: { [`label-${index}`]: 'set' } } },
          contentType: merge,
        }),
      ),
    );
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    const labels = (await plane.admin.call('GET', `${services}/patched`)).field('metadata', 'labels');
    assert.equal(Object.keys(labels as object).length, 20);
    const revisions = new Set(answers.map(({ headers }) => headers['causeway-revision']));
    assert.equal(revisions.size, 20);
  });

  it('of many that create the same object one does', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => plane.admin.call('POST', services, { body: service('raced') })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, ...Array<number>(11).fill(409)],
    );
  });

  it('writes at once by PUT, apply and DELETE leave one history without a gap', async () => {
    const before = Number((await plane.admin.call('GET', 'revisions?limit=1')).field('items', 0, 'revision'));
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const name = `mixed-${index}`;
        await put(name, port(1));
        const applied = await plane.admin.call('POST', 'apply', {
          body: service(name, port(2), { namespace: 'conflicts' }),
        });
        assert.equal(applied.status, 200, applied.text);
        assert.equal((await plane.admin.call('DELETE', `${services}/${name}`)).status, 200);
      }),
    );
    const records = (await plane.admin.call('GET', 'revisions?limit=30')).field('items') as {
      revision: number;
      changes: { resource: string; op: string }[];
    }[];
    assert.deepEqual(
      records.map(({ revision }) => revision),
      Array.from({ length: 30 }, (_, index) => before + 30 - index),
    );
    for (let index = 0; index < 10; index++) {
      const operations = records
        .toReversed()
        .flatMap(({ changes }) => changes)
        .filter(({ resource }) => resource === `service/conflicts/mixed-${index}`)
        .map(({ op }) => op);
      assert.deepEqual(operations, ['create', 'update', 'delete']);
    }
  });
});

describe('guards of references', () => {
  const plane = oneControlPlane();

  it('deleting what is referenced names the referrers and deletes nothing', async () => {
    const { admin } = plane;
    const route = (name: string): object => ({
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name, namespace: 'refs' },
      spec: { hosts: [`${name}.com`], backends: [{ service: 'orders' }] },
    });
    const items = [service('orders', {}, { namespace: 'refs' }), route('orders'), route('orders-copy')];
    assert.equal((await admin.call('POST', 'apply', { body: { kind: 'List', items } })).status, 200);
    const refused = problemOf(
      await admin.call('DELETE', inNamespace('refs', 'services', 'orders')),
      409,
      'referenced',
    );
    assert.equal(refused.detail, 'service/refs/orders is used by 2 objects');
    assert.deepEqual(refused.errors, [
      {
        resource: 'route/refs/orders',
        pointer: '/spec/backends/0/service',
        code: 'referenced',
        detail: 'refers to service/refs/orders',
      },
      {
        resource: 'route/refs/orders-copy',
        pointer: '/spec/backends/0/service',
        code: 'referenced',
        detail: 'refers to service/refs/orders',
      },
    ]);
    const remove = ['service/refs/orders', 'route/refs/orders', 'route/refs/orders-copy'];
    const removed = await admin.call('POST', 'apply', { body: { kind: 'List', items: [], remove } });
    assert.equal(removed.status, 200, removed.text);
    assert.equal(removed.field('changed'), 3);
    assert.deepEqual(
      removed.field('objects'),
      remove.map((resource) => ({ resource, result: 'deleted' })),
    );
  });

  it('a mass deletion is held back until it is forced', async () => {
    const { admin } = plane;
    const names = Array.from({ length: 12 }, (_, index) => `mass-${index}`);
    const items = names.map((name) => ({
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name, labels: { mass: 'yes' } },
      spec: { hosts: [`${name}.com`], backends: [{ service: 'mass' }] },
    }));
    await admin.call('POST', 'apply', { body: { kind: 'List', items: [service('mass'), ...items] } });
    const remove = names.map((name) => `route/default/${name}`);
    const body = { kind: 'List', items: [], remove };
    const refused = problemOf(await admin.call('POST', 'apply', { body }), 409, 'mass_deletion');
    assert.match(refused.detail, /this removes 12 of 12 Routes/);
    assert.match(refused.errors[0]?.hint ?? '', /force=true/);
    const pruned = await admin.call('POST', 'apply?prune=true&labelSelector=mass%3Dyes', {
      body: { kind: 'List', items: [] },
    });
    problemOf(pruned, 409, 'mass_deletion');
    assert.equal(((await admin.call('GET', 'routes?labelSelector=mass')).field('items') as []).length, 12);
    assert.equal((await admin.call('POST', 'apply?force=true', { body })).status, 200);
  });
});
