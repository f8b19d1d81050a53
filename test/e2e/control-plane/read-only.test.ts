// What the API tells without being written to: kinds, schemas, revisions and their way, explanations, YAML.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { startSyncNode } from '../../kit/sync-node.ts';
import { inNamespace, oneControlPlane, problemOf, root } from './one-control-plane.ts';

describe('what can be read', () => {
  const plane = oneControlPlane();

  it('the kinds, with their words and verbs', async () => {
    const answer = await plane.admin.call('GET', root);
    const resources = answer.field('resources') as Record<string, unknown>[];
    assert.deepEqual(
      resources.map(({ kind, plural, shortNames, namespaced, writable }) => [
        kind,
        plural,
        shortNames,
        namespaced,
        writable,
      ]),
      [
        ['Route', 'routes', ['rt'], true, true],
        ['Service', 'services', ['svc'], true, true],
        ['Gateway', 'gateways', ['gw'], false, true],
        ['Middleware', 'middlewares', ['mw'], true, true],
        ['Consumer', 'consumers', ['con'], true, true],
        ['AuthProvider', 'authproviders', ['ap'], true, true],
        ['ApiSpec', 'apispecs', ['spec'], true, true],
        ['DescriptorSet', 'descriptorsets', ['ds'], true, true],
        ['Plugin', 'plugins', ['pl'], false, true],
        ['Certificate', 'certificates', ['cert'], true, true],
        ['Secret', 'secrets', ['sec'], true, true],
        ['Endpoint', 'endpoints', ['ep'], true, false],
        ['Connection', 'connections', ['conn'], true, false],
        ['Node', 'nodes', ['no'], false, false],
        ['Revision', 'revisions', ['rev'], false, false],
      ],
    );
  });

  it('the schema of a kind, by any of its words', async () => {
    const { admin } = plane;
    const schema = await admin.call('GET', 'schema/routes');
    assert.equal(schema.field('title'), 'Route');
    assert.equal(schema.field('properties', 'spec', 'properties', 'priority', 'default'), 0);
    for (const word of ['rt', 'route', 'Route'])
      assert.equal((await admin.call('GET', `schema/${word}`)).text, schema.text);
    assert.match(problemOf(await admin.call('GET', 'schema/rotues'), 404, 'not_found').detail, /routes/);
  });

  it('revisions: who, from where, why, what', async () => {
    const { admin } = plane;
    const written = await admin.call('PUT', inNamespace('read', 'services', 'a'), {
      body: { apiVersion: 'causeway/v1', ...service('a', [1]) },
      headers: {
        'user-agent': 'gwctl/1.0 apply',
        'causeway-message': Buffer.from('because ü').toString('latin1'),
      },
    });
    const revision = String(written.headers['causeway-revision']);
    const record = await admin.call('GET', `revisions/${revision}`);
    assert.deepEqual(
      ['kind', 'author', 'source', 'message', 'changes'].map((field) => record.field(field)),
      [
        'Revision',
        'token/admin',
        'gwctl/1.0 apply',
        'because ü',
        [{ resource: 'service/read/a', op: 'create' }],
      ],
    );
    assert.equal(record.field('metadata', 'name'), revision);
    for (const path of ['revisions/9999', 'revisions/9999/status', 'revisions/0'])
      problemOf(await admin.call('GET', path), 404, 'not_found');
    for (const path of ['revisions/x', 'revisions/-1', 'revisions/1.5/status'])
      problemOf(await admin.call('GET', path), 400, 'malformed');
  });

  it('the way of a revision to its nodes, as it goes', async (t) => {
    const { admin, controlPlane } = plane;
    const credential = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
    await admin.apply([gateway(), service('a', [1]), route('r', '/r', 'a')]);
    const node = await startSyncNode(t, { streamPort: controlPlane.streamPort, credential, id: 'reader' });
    await eventually(() => node.updates.length > 0, { what: 'the first snapshot' });
    const refusal = { resource: 'route/default/r', pointer: '/spec', detail: 'no' };
    node.problems = [{ reason: 'invalid_resource', ...refusal }];
    const revision = await admin.apply([route('r', '/other', 'a')]);
    const watched = await admin.call('GET', `revisions/${revision}/status?watch=true`);
    assert.equal(watched.headers['content-type'], 'application/x-ndjson');
    const lines = watched.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string; nodes: { problems?: unknown }[] });
    assert.equal(lines.at(-1)?.state, 'rejected');
    assert.deepEqual(lines.at(-1)?.nodes[0]?.problems, [{ reason: 'invalid_resource', ...refusal }]);
    assert.ok(lines.slice(0, -1).every(({ state }) => state === 'pending'));
    const status = await admin.call('GET', inNamespace('default', 'routes', 'r'));
    assert.deepEqual(status.field('status', 'nodes'), { total: 1, applied: 0, pending: 0, rejected: 1 });
    assert.match(status.text, /reader: invalid_resource route\/default\/r \/spec: no/);
    problemOf(await admin.call('GET', `revisions/${revision}/status?watch=yes`), 400, 'malformed');
  });

  it('nodes, in pages and by label', async () => {
    const { admin } = plane;
    const list = await admin.call('GET', 'nodes');
    assert.equal(list.field('kind'), 'NodeList');
    assert.equal(list.field('items', 0, 'metadata', 'name'), 'reader');
    assert.equal((await admin.call('GET', 'nodes/reader')).field('kind'), 'Node');
    assert.deepEqual((await admin.call('GET', 'nodes?labelSelector=zone%3Da')).field('items'), []);
    assert.deepEqual((await admin.call('GET', 'nodes?continue=reader')).field('items'), []);
    problemOf(await admin.call('GET', 'nodes/nobody'), 404, 'not_found');
  });

  it('an explanation of a request, which is no error when no Route takes it', async () => {
    const { admin } = plane;
    const explain = (body: object) => admin.call('POST', 'explain', { body });
    await admin.apply([route('r', '/r', 'a', { hosts: ['api.example.com'] })]);
    const request = {
      method: 'GET',
      url: 'http://api.example.com/r/1',
      headers: [],
      clientAddress: '203.0.113.1',
    };
    const found = await explain({ request, gateway: 'default', at: null, node: null });
    assert.deepEqual([found.status, found.field('route')], [200, 'default/r']);
    const lost = await explain({ request: { method: 'GET', url: 'http://other.example.com/' } });
    assert.deepEqual([lost.status, lost.field('route'), lost.field('reason')], [200, null, 'no_route']);
    problemOf(await explain({ request, gateway: 'nowhere' }), 404, 'not_found');
    for (const [body, pointer] of [
      [{}, '/request'],
      [{ request: { method: 'GET' } }, '/request/url'],
      [{ request: { ...request, url: 'ftp://x' } }, '/request/url'],
      [{ request: { ...request, url: '/path' } }, '/request/url'],
      [{ request: { ...request, clientAddress: '10.0.0.0/8' } }, '/request/clientAddress'],
      [{ request: { ...request, headers: [['a']] } }, '/request/headers/0'],
      [{ request, getaway: 'default' }, '/getaway'],
    ] as const) {
      const [problem] = problemOf(await explain(body), 422, 'invalid').errors;
      assert.equal(problem?.pointer, pointer);
    }
  });
});
