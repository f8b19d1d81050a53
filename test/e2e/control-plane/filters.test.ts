// Filters on Routes, Gateways and Middlewares, as the admin API takes and refuses them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inNamespace, oneControlPlane, problemOf, stateOf } from './one-control-plane.ts';

const document = (kind: string, name: string, namespace: string | undefined, spec: object): object => ({
  apiVersion: 'causeway/v1',
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  spec,
});
const yaml = (...documents: object[]): string =>
  documents.map((each) => JSON.stringify(each)).join('\n---\n');
const hello = { respond: { body: 'hello ${request.path}' } };

describe('filters', () => {
  const plane = oneControlPlane();

  it('come with what they refer to, in any order, as one revision', async () => {
    const { admin } = plane;
    const namespace = 'one';
    const applied = await admin.call('POST', 'apply', {
      body: yaml(
        document('Route', 'r', namespace, { hosts: ['one.test'], filters: [{ middleware: 'm' }] }),
        document('Middleware', 'm', namespace, { filters: [hello] }),
      ),
    });
    assert.equal(applied.status, 200, applied.text);
    const read = await admin.call('GET', inNamespace(namespace, 'middlewares', 'm'));
    assert.deepEqual(read.field('spec'), { filters: [hello] });
    const again = await admin.call('PUT', inNamespace(namespace, 'middlewares', 'm'), {
      body: read.text,
      contentType: 'application/json',
    });
    assert.equal(again.headers['causeway-revision'], undefined);
  });

  it('are refused all at once, each with its place and what was meant', async () => {
    const { admin } = plane;
    const before = await stateOf(admin);
    const answer = await admin.call('POST', 'apply', {
      body: yaml(
        document('Route', 'r', 'two', {
          plugins: [],
          backends: [{ service: 'nowhere' }],
          filters: [
            { middleware: 'nobody' },
            { respond: { body: 'at ${request.pth}', headers: { Connection: 'close' } } },
            { corss: {} },
          ],
        }),
        document('Middleware', 'm', 'two', { filters: [{ middleware: 'other' }] }),
        document('Route', 'q', 'two', {}),
      ),
    });
    const { errors } = problemOf(answer, 422, 'invalid');
    assert.deepEqual(
      errors.map(({ document: index, pointer, code, hint }) => [index, pointer, code, hint]),
      [
        [0, '/spec/backends', 'exclusive', 'remove the backends, or the filter'],
        [0, '/spec/backends/0/service', 'unknown_reference', undefined],
        [0, '/spec/filters/0/middleware', 'unknown_reference', undefined],
        [0, '/spec/filters/1/respond/body', 'bad_format', 'did you mean "request.path"?'],
        [0, '/spec/filters/1/respond/headers/Connection', 'not_allowed_here', undefined],
        [0, '/spec/filters/2/corss', 'unknown_field', 'did you mean "cors"?'],
        [0, '/spec/plugins', 'unknown_field', 'did you mean "filters"?'],
        [1, '/spec/filters/0/middleware', 'not_allowed_here', 'name both where they are used'],
        [2, '/spec/backends', 'missing', 'or a filter that answers every request: respond, redirect'],
      ],
    );
    assert.deepEqual(await stateOf(admin), before);
  });

  it('keep the Middleware that they name: deleting it is a conflict that names all who do', async () => {
    const { admin } = plane;
    await admin.apply(
      yaml(
        document('Middleware', 'shared', undefined, { filters: [hello] }),
        document('Gateway', 'three', undefined, {
          listeners: [{ name: 'http', port: 8083 }],
          filters: [{ middleware: 'shared' }],
        }),
        document('Route', 'three', undefined, { hosts: ['three.test'], filters: [{ middleware: 'shared' }] }),
      ),
    );
    const { errors, detail } = problemOf(
      await admin.call('DELETE', inNamespace('default', 'middlewares', 'shared')),
      409,
      'referenced',
    );
    assert.match(detail, /middleware\/default\/shared is used by 2 objects/);
    assert.deepEqual(errors.map(({ resource, pointer }) => `${resource} ${pointer}`).toSorted(), [
      'gateway/three /spec/filters/0/middleware',
      'route/default/three /spec/filters/0/middleware',
    ]);
    await admin.call('DELETE', 'gateways/three');
    await admin.call('DELETE', inNamespace('default', 'routes', 'three'));
    assert.equal((await admin.call('DELETE', inNamespace('default', 'middlewares', 'shared'))).status, 200);
  });

  it('of a Middleware cannot spoil a Route that names it', async () => {
    const { admin } = plane;
    await admin.apply(
      yaml(
        document('Service', 'a', 'four', {}),
        document('Middleware', 'm', 'four', { filters: [] }),
        document('Route', 'r', 'four', {
          hosts: ['four.test'],
          filters: [{ middleware: 'm' }],
          backends: [{ service: 'a' }],
        }),
      ),
    );
    const changed = document('Middleware', 'm', 'four', { filters: [hello] });
    const answer = await admin.call('PUT', inNamespace('four', 'middlewares', 'm'), { body: changed });
    const [error, ...more] = problemOf(answer, 422, 'invalid').errors;
    assert.deepEqual(more, []);
    assert.equal(error?.resource, 'middleware/four/m');
    assert.match(
      error?.detail ?? '',
      /^route\/four\/r \/spec\/backends: filter "respond" answers every request/,
    );
  });

  it('warn when they remove what nothing brings', async () => {
    const { admin } = plane;
    const answer = await admin.call('POST', 'apply', {
      body: yaml(
        document('Route', 'r', 'five', {
          hosts: ['five.test'],
          filters: [hello, { name: 'atuh', disabled: true }],
        }),
      ),
    });
    assert.deepEqual(answer.field('warnings'), ['route/five/r disables filter "atuh", which nothing brings']);
  });
});
