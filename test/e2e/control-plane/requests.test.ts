// What every call has in common: media types, sizes, parameters, the order of checks, headers, problems.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawConnect } from '../../kit/raw-client.ts';
import { adminToken, inNamespace, oneControlPlane, problemOf, root } from './one-control-plane.ts';

const service = (name: string, spec: object = {}): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name },
  spec,
});
const services = inNamespace('calls', 'services');

describe('requests', () => {
  const plane = oneControlPlane();

  it('take JSON and YAML, merge patches on PATCH, and nothing else', async () => {
    const { admin } = plane;
    const json = JSON.stringify(service('a'));
    for (const contentType of ['application/json', 'application/yaml', 'application/json; charset=utf-8'])
      assert.equal(
        (await admin.call('PUT', `${services}/a`, { body: json, contentType })).status < 300,
        true,
      );
    for (const contentType of ['text/plain', 'application/xml', 'application/merge-patch+json', ''])
      problemOf(
        await admin.call('PUT', `${services}/a`, { body: json, contentType }),
        415,
        'unsupported_media_type',
      );
    for (const contentType of ['application/json', 'application/json-patch+json', 'application/yaml']) {
      const refused = await admin.call('PATCH', `${services}/a`, { body: '{}', contentType });
      problemOf(refused, 415, 'unsupported_media_type');
      assert.match(String(refused.headers['accept']), /merge-patch/);
    }
    problemOf(
      await admin.call('POST', 'apply', { body: json, contentType: 'text/yaml' }),
      415,
      'unsupported_media_type',
    );
    problemOf(
      await admin.call('PUT', `${services}/a`, { body: json, headers: { 'content-encoding': 'gzip' } }),
      415,
      'unsupported_media_type',
    );
  });

  it('have a limit: a mebibyte for one object, 16 for apply', async () => {
    const { admin } = plane;
    const filled = (bytes: number): string => {
      const empty = JSON.stringify({
        ...service('big'),
        metadata: { name: 'big', annotations: { note: '' } },
      });
      return empty.replace('"note":""', `"note":"${'x'.repeat(bytes - empty.length)}"`);
    };
    const mebibyte = 1024 * 1024;
    const json = { contentType: 'application/json' };
    // Under the limit of the body, over that of annotations: it was read and judged.
    problemOf(
      await admin.call('PUT', `${services}/big`, { body: filled(mebibyte), ...json }),
      422,
      'invalid',
    );
    const over = await admin.call('PUT', `${services}/big`, { body: filled(mebibyte + 1), ...json });
    assert.match(problemOf(over, 413, 'too_large').detail, /1048576 bytes/);
    problemOf(await admin.call('POST', 'apply', { body: filled(mebibyte + 1), ...json }), 413, 'too_large');
    const spaces = (bytes: number): string => `{"kind":"List"${' '.repeat(bytes - 15)}}`;
    const most = await admin.call('POST', 'apply', { body: spaces(16 * mebibyte), ...json });
    assert.equal(most.status, 200, most.text);
    problemOf(
      await admin.call('POST', 'apply', { body: spaces(16 * mebibyte + 1), ...json }),
      413,
      'too_large',
    );
  });

  it('that are too large are refused whether they say so or not, and the server goes on', async (t) => {
    const { admin, controlPlane } = plane;
    const token = await adminToken(controlPlane);
    const head = `POST ${root}/apply HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
    const declared = await rawConnect(t, controlPlane.adminPort);
    await declared.send(`${head}content-length: 999999999\r\n\r\n{`);
    assert.equal((await declared.readResponse()).status, 413);
    const chunked = await rawConnect(t, controlPlane.adminPort);
    await chunked.send(`${head}transfer-encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < 33; sent++) await chunked.send(`80000\r\n${' '.repeat(0x80000)}\r\n`);
    assert.equal((await chunked.readResponse()).status, 413);
    assert.equal((await admin.call('GET', services)).status, 200);
  });

  it('have no parameters but those that the call knows, each once', async () => {
    const { admin } = plane;
    const put = (query: string) =>
      admin.call('PUT', `${services}/params${query}`, { body: service('params') });
    for (const query of [
      '?dryrun=All',
      '?dryRun=all',
      '?dryRun=',
      '?dryRun=true',
      '?force=yes',
      '?x=1',
      '?prune=true',
    ])
      problemOf(await put(query), 400, 'malformed');
    problemOf(await put('?dryRun=All&dryRun=All'), 400, 'malformed');
    problemOf(await admin.call('GET', `${services}/params`), 404, 'not_found');
    for (const path of [
      `${services}?dryRun=All`,
      `${services}?watch=true`,
      'gateways/default?limit=1',
      'schema/routes?x',
      '?x=1',
      'nodes?x=1',
      'revisions?x=1',
    ])
      problemOf(await admin.call('GET', path), 400, 'malformed');
    problemOf(await admin.call('DELETE', `${services}/params?cascade=true`), 400, 'malformed');
    problemOf(await admin.call('POST', 'explain?x=1', { body: {} }), 400, 'malformed');
  });

  it('are checked in the order 401, 404 of the kind, 415, 413, 400, 422, 404, 412, 409', async () => {
    const { admin } = plane;
    await admin.call('PUT', `${services}/order`, { body: service('order') });
    const stale = { 'if-match': '"99999"' };
    const large = 'x'.repeat(1024 * 1024 + 1);
    // Each of these has the faults of all that follow it.
    problemOf(
      await admin.call('PUT', 'rotues/x?x=1', { body: large, contentType: 'text/plain', token: 'cwt_wrong' }),
      401,
      'unauthenticated',
    );
    problemOf(
      await admin.call('PUT', 'rotues/x?x=1', { body: large, contentType: 'text/plain' }),
      404,
      'not_found',
    );
    const at = `${services}/order`;
    const json = 'application/json';
    problemOf(
      await admin.call('PUT', `${at}?x=1`, { body: large, contentType: 'text/plain', headers: stale }),
      415,
      'unsupported_media_type',
    );
    problemOf(
      await admin.call('PUT', `${at}?x=1`, { body: large, contentType: json, headers: stale }),
      413,
      'too_large',
    );
    const invalid = {
      ...service('order', { match: 1 }),
      metadata: { name: 'order', resourceVersion: '99999' },
    };
    problemOf(await admin.call('PUT', `${at}?x=1`, { body: invalid, headers: stale }), 400, 'malformed');
    problemOf(await admin.call('PUT', at, { body: invalid, headers: stale }), 422, 'invalid');
    const wrongReference = {
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name: 'r' },
      spec: { backends: [{ service: 'nowhere' }] },
    };
    problemOf(
      await admin.call('PUT', inNamespace('calls', 'routes', 'r'), { body: wrongReference, headers: stale }),
      422,
      'invalid',
    );
    const merge = { body: {}, contentType: 'application/merge-patch+json', headers: stale };
    problemOf(await admin.call('PATCH', `${services}/nobody`, merge), 404, 'not_found');
    const conflicting = { ...service('order'), metadata: { name: 'order', resourceVersion: '99999' } };
    problemOf(await admin.call('PUT', at, { body: conflicting, headers: stale }), 412, 'precondition_failed');
    problemOf(await admin.call('PUT', at, { body: conflicting }), 409, 'conflict');
  });

  it('of a method that is not possible are told which are', async () => {
    const { admin } = plane;
    const allowed: [string, string, string][] = [
      ['POST', 'nodes', 'GET'],
      ['DELETE', 'nodes/n1', 'GET'],
      ['PUT', 'revisions/1', 'GET'],
      ['POST', 'services', 'GET'],
      ['DELETE', services, 'GET, POST'],
      ['PUT', services, 'GET, POST'],
      ['POST', `${services}/a`, 'GET, PUT, PATCH, DELETE'],
      ['DELETE', 'gateways', 'GET, POST'],
      ['GET', 'apply', 'POST'],
      ['PUT', 'explain', 'POST'],
      ['POST', 'schema/routes', 'GET'],
      ['OPTIONS', services, 'GET, POST'],
    ];
    for (const [method, path, allow] of allowed) {
      const answer = await admin.call(method, path);
      problemOf(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers['allow'], allow, `${method} ${path}`);
    }
  });

  it('for a kind that does not exist are told which was meant', async () => {
    const { admin } = plane;
    assert.match(problemOf(await admin.call('GET', 'rotues'), 404, 'not_found').detail, /"routes"/);
    assert.match(
      problemOf(await admin.call('POST', inNamespace('x', 'service')), 404, 'not_found').detail,
      /"services?"/,
    );
    problemOf(await admin.call('GET', 'Routes'), 404, 'not_found');
    problemOf(await admin.call('GET', '/apis/causeway/v2/routes'), 404, 'not_found');
    problemOf(await admin.call('GET', '/'), 404, 'not_found');
    problemOf(await admin.call('GET', inNamespace('calls', 'gateways')), 404, 'not_found');
  });

  it('of which URL and body disagree are refused, naming where', async () => {
    const { admin } = plane;
    const named = problemOf(
      await admin.call('PUT', `${services}/a`, { body: service('b') }),
      400,
      'malformed',
    );
    assert.equal(named.errors[0]?.pointer, '/metadata/name');
    const elsewhere = { ...service('a'), metadata: { name: 'a', namespace: 'other' } };
    for (const answer of [
      await admin.call('PUT', `${services}/a`, { body: elsewhere }),
      await admin.call('POST', services, { body: elsewhere }),
    ])
      assert.equal(problemOf(answer, 400, 'malformed').errors[0]?.pointer, '/metadata/namespace');
    const kind = problemOf(
      await admin.call('PUT', inNamespace('calls', 'routes', 'a'), { body: service('a') }),
      400,
      'malformed',
    );
    assert.equal(kind.errors[0]?.pointer, '/kind');
  });

  it('of one object have one document, apply has as many as it likes', async () => {
    const { admin } = plane;
    const two = 'apiVersion: causeway/v1\nkind: Service\nmetadata: {name: a}\n---\nkind: Service\n';
    problemOf(await admin.call('PUT', `${services}/a`, { body: two }), 400, 'malformed');
    problemOf(await admin.call('PUT', `${services}/a`, { body: '' }), 400, 'malformed');
  });

  it('with a path that is none are refused', async () => {
    const { admin } = plane;
    problemOf(await admin.call('GET', `${services}/%zz`), 400, 'malformed');
    problemOf(await admin.call('GET', `${services}/a%2Fb`), 404, 'not_found');
    problemOf(await admin.call('GET', `${services}/..%2F..%2Fx`), 404, 'not_found');
    problemOf(await admin.call('PUT', `${services}/%2e%2e%2fx`, { body: service('x') }), 400, 'malformed');
    problemOf(
      await admin.call('PUT', 'namespaces/No%20Name/services/x', { body: service('x') }),
      422,
      'invalid',
    );
  });

  it('get an id each, also in what is wrong', async () => {
    const { admin } = plane;
    const answers = await Promise.all([
      admin.call('GET', services),
      admin.call('GET', `${services}/nobody`),
      admin.call('GET', services, { token: null }),
      admin.call('GET', '/livez', { token: null }),
    ]);
    const ids = answers.map(({ headers }) => String(headers['x-request-id']));
    assert.equal(new Set(ids).size, answers.length);
    for (const id of ids) assert.match(id, /^[0-9a-z]{10,}$/);
    for (const { headers } of answers) assert.equal(headers['x-powered-by'], undefined);
  });

  it('HEAD answers as GET does, without a body', async () => {
    const answer = await plane.admin.call('HEAD', services);
    assert.deepEqual([answer.status, answer.text], [200, '']);
  });

  it('whose client goes away half-way leave nothing behind', async (t) => {
    const { admin, controlPlane } = plane;
    const before = (await admin.call('GET', 'revisions?limit=1')).text;
    const head = `PUT ${root}/${services}/gone HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${await adminToken(controlPlane)}\r\n`;
    const client = await rawConnect(t, controlPlane.adminPort);
    await client.send(`${head}content-type: application/json\r\ncontent-length: 5000\r\n\r\n{"kind":`);
    client.reset();
    for (let count = 0; count < 5; count++)
      assert.equal((await admin.call('GET', 'revisions?limit=1')).text, before);
    const failed = controlPlane.child.logs.filter(({ msg }) => msg === 'request failed');
    assert.deepEqual(failed, []);
  });
});
