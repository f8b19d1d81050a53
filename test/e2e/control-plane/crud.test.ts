// Every kind from its creation to its end, one call at a time.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../kit/admin.ts';
import { inNamespace, oneControlPlane, problemOf, root } from './one-control-plane.ts';

interface Sample {
  kind: string;
  plural: string;
  /** Undefined for a cluster-wide kind. */
  namespace: string | undefined;
  spec: object;
  changed: object;
  /** How `changed` reads back. */
  shown?: object;
}

const samples: readonly Sample[] = [
  {
    kind: 'Service',
    plural: 'services',
    namespace: 'crud',
    spec: { endpoints: [{ address: '127.0.0.1', port: 9001 }] },
    changed: { endpoints: [{ address: '127.0.0.1', port: 9002, weight: 3 }] },
  },
  {
    kind: 'Route',
    plural: 'routes',
    namespace: 'crud',
    spec: { hosts: ['crud.example.com'], backends: [{ service: 'base' }] },
    changed: { hosts: ['crud.example.com'], backends: [{ service: 'base' }], priority: 7 },
  },
  {
    kind: 'Gateway',
    plural: 'gateways',
    namespace: undefined,
    spec: { listeners: [{ name: 'http', port: 8080 }] },
    changed: { listeners: [{ name: 'http', port: 8081 }] },
  },
  {
    kind: 'Middleware',
    plural: 'middlewares',
    namespace: 'crud',
    spec: { filters: [{ respond: { body: 'a' } }] },
    changed: {
      filters: [
        { name: 'b', respond: { status: 503 } },
        { name: 'c', disabled: true },
      ],
    },
  },
  {
    kind: 'Secret',
    plural: 'secrets',
    namespace: 'crud',
    spec: { data: { password: 'hunter2' } },
    changed: { data: { password: 'hunter3', user: 'x' } },
    shown: { data: { password: '(hidden)', user: '(hidden)' } },
  },
];

describe('admin API', () => {
  const plane = oneControlPlane();
  const revisionOf = (answer: Answer): number => Number(answer.headers['causeway-revision']);

  for (const { kind, plural, namespace, spec, changed, shown = changed } of samples) {
    const collection = namespace === undefined ? plural : inNamespace(namespace, plural);
    const object = `${collection}/sample`;
    const document = { apiVersion: 'causeway/v1', kind, metadata: { name: 'sample' }, spec };

    it(`creates, reads, lists, replaces, patches and deletes a ${kind}`, async () => {
      const { admin } = plane;
      await admin.call('PUT', inNamespace('crud', 'services', 'base'), {
        body: { apiVersion: 'causeway/v1', kind: 'Service', metadata: { name: 'base' }, spec: {} },
      });

      const created = await admin.call('POST', collection, { body: document });
      assert.equal(created.status, 201, created.text);
      assert.equal(created.headers['location'], `${root}/${object}`);
      assert.equal(created.headers['etag'], `"${revisionOf(created)}"`);
      assert.equal(created.field('metadata', 'generation'), 1);
      assert.match(String(created.field('metadata', 'uid')), /^[0-9a-f-]{36}$/);
      assert.match(String(created.field('metadata', 'creationTimestamp')), /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.equal(created.field('metadata', 'namespace'), namespace);
      assert.equal(created.field('metadata', 'resourceVersion'), String(revisionOf(created)));
      problemOf(await admin.call('POST', collection, { body: document }), 409, 'already_exists');

      const read = await admin.call('GET', object);
      assert.equal(read.status, 200);
      assert.equal(read.headers['etag'], created.headers['etag']);
      assert.deepEqual(read.json(), created.json());
      const asYaml = await admin.call('GET', object, { headers: { accept: 'application/yaml' } });
      assert.equal(asYaml.headers['content-type'], 'application/yaml');
      assert.match(asYaml.text, new RegExp(`^kind: ${kind}$`, 'm'));

      const list = await admin.call('GET', collection);
      assert.equal(list.field('kind'), `${kind}List`);
      assert.deepEqual(
        (list.field('items') as { metadata: { name: string } }[]).find(
          ({ metadata }) => metadata.name === 'sample',
        ),
        read.json(),
      );

      const unchanged = await admin.call('PUT', object, { body: document });
      assert.equal(unchanged.status, 200);
      assert.equal(unchanged.headers['causeway-revision'], undefined);
      assert.equal(unchanged.headers['etag'], created.headers['etag']);

      const replaced = await admin.call('PUT', object, { body: { ...document, spec: changed } });
      assert.equal(replaced.status, 200, replaced.text);
      assert.equal(replaced.headers['location'], undefined);
      assert.ok(revisionOf(replaced) > revisionOf(created));
      assert.deepEqual(replaced.field('spec'), shown);
      assert.equal(replaced.field('metadata', 'generation'), 2);
      assert.equal(replaced.field('metadata', 'uid'), created.field('metadata', 'uid'));

      const patched = await admin.call('PATCH', object, {
        body: { metadata: { labels: { team: 'shop' } } },
        contentType: 'application/merge-patch+json',
      });
      assert.equal(patched.status, 200, patched.text);
      assert.deepEqual(patched.field('metadata', 'labels'), { team: 'shop' });
      assert.deepEqual(patched.field('spec'), shown);
      assert.equal(patched.field('metadata', 'generation'), 2);

      const deleted = await admin.call('DELETE', object);
      assert.equal(deleted.status, 200);
      assert.ok(revisionOf(deleted) > revisionOf(patched));
      assert.equal(deleted.field('metadata', 'name'), 'sample');
      assert.deepEqual(deleted.field('spec'), shown);
      problemOf(await admin.call('GET', object), 404, 'not_found');
      problemOf(await admin.call('DELETE', object), 404, 'not_found');

      const again = await admin.call('PUT', object, { body: document });
      assert.equal(again.status, 201);
      assert.notEqual(again.field('metadata', 'uid'), created.field('metadata', 'uid'));
      assert.equal(again.field('metadata', 'generation'), 1);
    });

    it(`takes back what it gave of a ${kind}, unchanged`, async () => {
      const { admin } = plane;
      await admin.call('PUT', object, { body: document });
      for (const accept of ['application/json', 'application/yaml']) {
        const read = await admin.call('GET', object, { headers: { accept } });
        const back = await admin.call('PUT', object, { body: read.text, contentType: accept });
        assert.equal(back.status, 200, back.text);
        assert.equal(back.headers['causeway-revision'], undefined);
      }
    });

    it(`writes nothing of a ${kind} on a dry run`, async () => {
      const { admin } = plane;
      const before = await admin.call('GET', 'revisions?limit=1');
      const dry = `${collection}/dry`;
      const renamed = { ...document, metadata: { name: 'dry' } };
      const created = await admin.call('POST', `${collection}?dryRun=All`, { body: renamed });
      assert.equal(created.status, 201, created.text);
      for (const header of ['causeway-revision', 'etag']) assert.equal(created.headers[header], undefined);
      assert.equal((await admin.call('PUT', `${dry}?dryRun=All`, { body: renamed })).status, 201);
      problemOf(await admin.call('GET', dry), 404, 'not_found');
      await admin.call('PUT', object, { body: document });
      const after = await admin.call('GET', object);
      const put = await admin.call('PUT', `${object}?dryRun=All`, { body: { ...document, spec: changed } });
      assert.equal(put.status, 200);
      assert.deepEqual(put.field('spec'), shown);
      const patch = await admin.call('PATCH', `${object}?dryRun=All`, {
        body: { metadata: { labels: { a: 'b' } } },
        contentType: 'application/merge-patch+json',
      });
      assert.equal(patch.status, 200);
      assert.equal((await admin.call('DELETE', `${object}?dryRun=All`)).status, 200);
      assert.deepEqual((await admin.call('GET', object)).json(), after.json());
      assert.deepEqual((await admin.call('GET', 'revisions?limit=1')).json(), before.json());
    });
  }

  it('shows the Gateway default that nobody wrote, lets it be written, and returns to it', async () => {
    const { admin } = plane;
    const unwritten = await admin.call('GET', 'gateways/default');
    assert.equal(unwritten.status, 200);
    assert.equal(unwritten.field('metadata', 'resourceVersion'), '0');
    assert.equal(unwritten.field('metadata', 'annotations', 'causeway/implicit'), 'true');
    const listed = (await admin.call('GET', 'gateways')).text;
    assert.match(listed, /"name":"default"/);
    const spec = { listeners: [{ name: 'http', port: 9090 }] };
    const patched = await admin.call('PATCH', 'gateways/default', {
      body: { spec },
      contentType: 'application/merge-patch+json',
      headers: { 'if-match': '"0"' },
    });
    assert.equal(patched.status, 201, patched.text);
    assert.equal(patched.field('metadata', 'annotations'), undefined);
    assert.deepEqual((await admin.call('GET', 'gateways/default')).field('spec'), spec);
    assert.equal((await admin.call('DELETE', 'gateways/default')).status, 200);
    assert.deepEqual((await admin.call('GET', 'gateways/default')).json(), unwritten.json());
    problemOf(await admin.call('DELETE', 'gateways/default'), 404, 'not_found');
  });
});
