// Many documents as one transaction: all of them and one revision, or nothing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oneControlPlane, problemOf, stateOf } from './one-control-plane.ts';

const service = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name, ...metadata },
  spec,
});
const route = (name: string, serviceName: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Route',
  metadata: { name, ...metadata },
  spec: { hosts: [`${name}.example.com`], backends: [{ service: serviceName }], ...spec },
});
const yaml = (...documents: object[]): string =>
  documents.map((document) => JSON.stringify(document)).join('\n---\n');

describe('apply', () => {
  const plane = oneControlPlane();

  it('creates, configures and leaves unchanged in one revision, and says which', async () => {
    const { admin } = plane;
    await admin.apply(yaml(service('a'), service('b')));
    const applied = await admin.call('POST', 'apply?message=orders%2C%20first%20try', {
      body: yaml(
        service('a'),
        service('b', { endpoints: [{ address: '10.0.0.1', port: 1 }] }),
        route('r', 'a'),
      ),
    });
    assert.equal(applied.status, 200, applied.text);
    const revision = Number(applied.headers['causeway-revision']);
    assert.deepEqual(applied.json(), {
      apiVersion: 'causeway/v1',
      kind: 'ApplyResult',
      revision,
      changed: 2,
      dryRun: false,
      objects: [
        {
          document: 0,
          resource: 'service/default/a',
          result: 'unchanged',
          resourceVersion: String(revision - 1),
          generation: 1,
        },
        {
          document: 1,
          resource: 'service/default/b',
          result: 'configured',
          resourceVersion: String(revision),
          generation: 2,
        },
        {
          document: 2,
          resource: 'route/default/r',
          result: 'created',
          resourceVersion: String(revision),
          generation: 1,
        },
      ],
      warnings: [],
    });
    const record = (await admin.call('GET', `revisions/${revision}`)).json() as Record<string, unknown>;
    assert.equal(record['message'], 'orders, first try');
    assert.equal(record['author'], 'token/admin');
    assert.deepEqual(record['changes'], [
      { resource: 'service/default/b', op: 'update' },
      { resource: 'route/default/r', op: 'create' },
    ]);
    const again = await admin.call('POST', 'apply', { body: yaml(service('a')) });
    assert.equal(again.headers['causeway-revision'], undefined);
    assert.deepEqual([again.field('revision'), again.field('changed')], [revision, 0]);
  });

  it('takes a JSON list, one JSON object, a YAML list, and nothing at all', async () => {
    const { admin } = plane;
    const bodies: [string | object, string | undefined, number][] = [
      [{ kind: 'List', items: [service('j1'), service('j2')] }, undefined, 2],
      [service('j3'), undefined, 1],
      [
        'kind: List\nitems:\n- {apiVersion: causeway/v1, kind: Service, metadata: {name: j4}}\n',
        undefined,
        1,
      ],
      ['', undefined, 0],
      ['# nothing\n---\n---\n', undefined, 0],
      [{ kind: 'List' }, undefined, 0],
    ];
    for (const [body, contentType, count] of bodies) {
      const applied = await admin.call(
        'POST',
        'apply',
        contentType === undefined ? { body } : { body, contentType },
      );
      assert.equal(applied.status, 200, applied.text);
      assert.equal((applied.field('objects') as unknown[]).length, count);
    }
    problemOf(
      await admin.call('POST', 'apply', { body: '[]', contentType: 'application/json' }),
      400,
      'malformed',
    );
    for (const body of [
      { kind: 'List', items: {} },
      { kind: 'List', remove: 'x' },
      { kind: 'List', remove: ['nothing/like/that'] },
      { kind: 'List', remove: ['route/x'] },
      { kind: 'List', remove: ['gateway/default/x'] },
      { kind: 'List', remove: ['node/x'] },
      { kind: 'List', remove: [1] },
    ])
      problemOf(await admin.call('POST', 'apply', { body }), 400, 'malformed');
  });

  it('refuses everything for one bad document, tells all that is wrong, and changes nothing (invariant 5)', async () => {
    const { admin } = plane;
    await admin.apply(yaml(service('orders')));
    const before = await stateOf(admin);
    const revisions = (await admin.call('GET', 'revisions?limit=1')).text;
    const wrong = {
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name: 'orders' },
      spec: {
        match: [{ path: { prefix: '/orders' } }],
        backends: [{ service: 'order' }],
        timeouts: { request: 10 },
      },
    };
    const answer = await admin.call('POST', 'apply', { body: yaml(service('new'), wrong) });
    const problem = problemOf(answer, 422, 'invalid');
    assert.equal(problem.detail, '3 problems in 1 of 2 documents, nothing was applied');
    const place = { document: 1, resource: 'route/default/orders' };
    assert.deepEqual(problem.errors, [
      {
        ...place,
        pointer: '/spec/backends/0/service',
        code: 'unknown_reference',
        detail: 'no Service named "order"',
        hint: 'did you mean "orders"?',
      },
      {
        ...place,
        pointer: '/spec/match',
        code: 'unknown_field',
        detail: 'unknown field',
        hint: 'did you mean "matches"?',
      },
      {
        ...place,
        pointer: '/spec/timeouts/request',
        code: 'bad_format',
        detail: '10 is not a duration',
        hint: 'did you mean "10s"?',
      },
    ]);
    assert.deepEqual(await stateOf(admin), before);
    assert.equal((await admin.call('GET', 'revisions?limit=1')).text, revisions);
  });

  it('writes nothing on a dry run and says what it would do', async () => {
    const { admin } = plane;
    const before = await stateOf(admin);
    const dry = await admin.call('POST', 'apply?dryRun=All', {
      body: { kind: 'List', items: [service('dry')], remove: ['service/default/j3'] },
    });
    assert.equal(dry.status, 200);
    assert.equal(dry.headers['causeway-revision'], undefined);
    assert.deepEqual([dry.field('dryRun'), dry.field('changed')], [true, 2]);
    assert.deepEqual(await stateOf(admin), before);
  });

  it('puts documents that name no namespace into the one of the parameter', async () => {
    const { admin } = plane;
    const applied = await admin.call('POST', 'apply?namespace=shop', {
      body: yaml(service('here'), route('here', 'here'), service('there', {}, { namespace: 'other' }), {
        apiVersion: 'causeway/v1',
        kind: 'Gateway',
        metadata: { name: 'wide' },
        spec: {},
      }),
    });
    assert.equal(applied.status, 200, applied.text);
    assert.deepEqual(
      (applied.field('objects') as { resource: string }[]).map(({ resource }) => resource),
      ['service/shop/here', 'route/shop/here', 'service/other/there', 'gateway/wide'],
    );
    for (const namespace of ['', 'No%20Name', 'a%2Fb', '-x', 'UPPER'])
      problemOf(
        await admin.call('POST', `apply?namespace=${namespace}`, { body: yaml(service('x')) }),
        400,
        'malformed',
      );
  });

  it('prunes what the selector takes and the request does not name, in every kind and namespace', async () => {
    const { admin } = plane;
    const labels = { set: 'pruned' };
    const [keep, drop] = [service('p-keep', {}, { labels }), service('p-drop', {}, { labels })];
    const elsewhere = service('p-drop', {}, { labels, namespace: 'other' });
    const others = service('p-other', {}, { labels: { set: 'other' } });
    await admin.apply(
      yaml(keep, drop, elsewhere, others, route('p-route', 'p-drop', {}, { labels }), service('p-bare')),
    );
    const selector = 'labelSelector=set%3Dpruned';
    problemOf(await admin.call('POST', 'apply?prune=true', { body: yaml(keep) }), 400, 'malformed');
    problemOf(
      await admin.call('POST', 'apply?prune=true&labelSelector=', { body: yaml(keep) }),
      400,
      'malformed',
    );
    problemOf(
      await admin.call('POST', 'apply?prune=true&labelSelector=a%20b', { body: yaml(keep) }),
      400,
      'malformed',
    );
    const without = await admin.call('POST', `apply?${selector}`, { body: yaml(keep) });
    assert.equal(without.field('changed'), 0, 'a selector alone prunes nothing');
    const pruned = await admin.call('POST', `apply?prune=true&${selector}`, { body: yaml(keep) });
    assert.equal(pruned.status, 200, pruned.text);
    assert.deepEqual(
      (pruned.field('objects') as { resource: string; result: string }[])
        .map(({ resource, result }) => `${resource} ${result}`)
        .toSorted(),
      [
        'route/default/p-route deleted',
        'service/default/p-drop deleted',
        'service/default/p-keep unchanged',
        'service/other/p-drop deleted',
      ],
    );
    assert.equal((await admin.call('GET', 'namespaces/default/services/p-other')).status, 200);
    assert.equal((await admin.call('GET', 'namespaces/default/services/p-bare')).status, 200);
  });

  it('prunes nothing that is still needed', async () => {
    const { admin } = plane;
    const labels = { set: 'needed' };
    await admin.apply(yaml(service('n', {}, { labels }), route('n', 'n')));
    const refused = await admin.call('POST', 'apply?prune=true&labelSelector=set%3Dneeded', {
      body: { kind: 'List', items: [] },
    });
    assert.match(problemOf(refused, 409, 'referenced').detail, /nothing was applied/);
    assert.equal((await admin.call('GET', 'namespaces/default/services/n')).status, 200);
  });

  it('removes what the list says, and refuses what is not there', async () => {
    const { admin } = plane;
    await admin.apply(yaml(service('gone')));
    const missing = await admin.call('POST', 'apply', {
      body: { kind: 'List', items: [], remove: ['service/default/gone', 'service/default/never'] },
    });
    const problem = problemOf(missing, 404, 'not_found');
    assert.match(problem.detail, /service\/default\/never does not exist, nothing was applied/);
    assert.equal((await admin.call('GET', 'namespaces/default/services/gone')).status, 200);
    const both = await admin.call('POST', 'apply', {
      body: { kind: 'List', items: [service('gone')], remove: ['service/default/gone'] },
    });
    assert.equal(problemOf(both, 422, 'invalid').errors[0]?.code, 'exclusive');
    const removed = await admin.call('POST', 'apply', {
      body: { kind: 'List', remove: ['service/default/gone', 'service/default/gone'] },
    });
    assert.equal(removed.field('changed'), 1);
  });

  it('warns of Routes that match the same requests, in the body, in headers, and in what is read', async () => {
    const { admin } = plane;
    const same = { hosts: ['twins.example.com'], matches: [{ path: { prefix: '/twin' } }] };
    const applied = await admin.call('POST', 'apply', {
      body: yaml(service('twins'), route('twin-a', 'twins', same), route('twin-b', 'twins', same)),
    });
    const [warning] = applied.field('warnings') as string[];
    assert.match(warning ?? '', /route\/twin-b and route\/twin-a match exactly the same requests/);
    assert.equal(applied.headers['warning'], `299 causeway ${JSON.stringify(warning)}`);
    const read = await admin.call('GET', 'namespaces/default/routes/twin-b');
    assert.equal(read.headers['warning'], applied.headers['warning']);
  });

  it('takes hundreds of documents at once', async () => {
    const { admin } = plane;
    const items = Array.from({ length: 500 }, (_, index) => route(`many-${index}`, 'twins'));
    const applied = await admin.call('POST', 'apply', { body: { kind: 'List', items } });
    assert.equal(applied.field('changed'), 500);
    assert.equal(
      (await admin.call('GET', 'routes?limit=1')).field('metadata', 'resourceVersion'),
      String(applied.field('revision')),
    );
  });
});
