// Filters that need nothing but the request, from the admin API to the bytes on both sides of a node.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OwnScope } from '../../kit/owner.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { headerValues } from '../../kit/raw-message.ts';
import type { RawResponse } from '../../kit/raw-response.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';

const app = 'https://app.example.com';
const scope = new OwnScope();
let system: System;
let port: number;
let echoPort: number;

const filtered = (name: string, filters: object[], match: object = {}): Resource =>
  route(name, `/${name}`, 'echo', { matches: [{ path: { prefix: `/${name}` }, ...match }], filters });

/** A Route whose filters answer every request. */
const answering = (name: string, path: object, filters: object[]): Resource => ({
  kind: 'Route',
  metadata: { name },
  spec: { matches: [{ path }], filters },
});

const cors = {
  allowOrigins: [app, 'https://*.example.org'],
  allowMethods: ['*'],
  allowHeaders: ['x-a'],
  allowCredentials: true,
};
const closed = { authorize: { rules: [{ allow: { consumers: ['nobody'] } }] } };

function resources(): Resource[] {
  return [
    // Who is asked by this machine may say for whom.
    gateway({ clientAddress: { trustedProxies: ['127.0.0.0/8'] } }),
    service('echo', [echoPort]),
    filtered('cors', [{ cors }, closed], { methods: ['PUT', 'GET'] }),
    filtered('open', [{ cors }]),
    filtered('own', [], { methods: ['GET', 'OPTIONS'] }),
    filtered('get', [], { methods: ['GET'] }),
    filtered('beta', [{ cors }], { headers: [{ name: 'x-a', exact: '1' }] }),
    filtered('inside', [
      { ipRestriction: { allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.9.0.0/16'] } },
    ]),
    filtered('tried', [{ enforcement: 'shadow', ipRestriction: { allow: ['10.0.0.0/8'] } }]),
    filtered('rules', [
      {
        authorize: {
          rules: [{ deny: { paths: ['/rules/public/api/*'] } }, { allow: { paths: ['/rules/public/*'] } }],
        },
      },
    ]),
    filtered('headers', [
      {
        headers: {
          request: {
            rename: { 'X-Old': 'x-new' },
            remove: ['x-debug'],
            set: { 'X-User': '${request.query.user}' },
            add: { 'x-tag': 'b' },
          },
          response: {
            remove: ['content-type'],
            set: { 'x-frame-options': 'DENY' },
            add: { 'set-cookie': 'a=${request.query.user}' },
          },
        },
      },
    ]),
    filtered('old', [
      {
        rewrite: {
          host: 'upstream',
          path: { prefix: '/new' },
          query: { set: { v: '2' }, remove: ['debug'] },
        },
      },
    ]),
    answering('moved', { template: '/moved/{rest...}' }, [
      { redirect: { scheme: 'https', host: 'b.test', path: { template: '/m/${path.rest}' }, status: 308 } },
    ]),
    filtered('v1', [
      {
        version: {
          current: 'v1',
          deprecatedAt: '2020-01-01T00:00:00Z',
          sunsetAt: '9999-01-01T00:00:00Z',
          link: 'https://example.com/v2',
        },
      },
    ]),
    filtered('v0', [{ version: { current: 'v0', sunsetAt: '2020-01-01T00:00:00Z' } }]),
  ];
}

async function ask(request: string, ...headers: string[]): Promise<RawResponse> {
  const client = await rawConnect(scope, port);
  const lines = [`${request} HTTP/1.1`, 'host: a.test', 'connection: close', ...headers];
  await client.send(`${lines.join('\r\n')}\r\n\r\n`);
  return client.readResponse({ head: request.startsWith('HEAD') });
}

const echoed = (response: RawResponse): Echo => JSON.parse(response.body.toString()) as Echo;
const sent = ({ headers }: Echo, name: string): string[] =>
  headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
const reasonOf = (response: RawResponse): unknown =>
  (JSON.parse(response.body.toString()) as { reason?: string }).reason;
const preflight = async (path: string, method: string, ...headers: string[]): Promise<RawResponse> =>
  ask(`OPTIONS ${path}`, `origin: ${app}`, `access-control-request-method: ${method}`, ...headers);

before(async () => {
  echoPort = (await startEcho(scope)).port;
  system = await startSystem(scope, { resources: resources() });
  port = await system.nodes[0]!.trafficPort();
});

after(() => scope.end());

describe('cors on a node', () => {
  it('answers preflights before anybody asks who is calling', async () => {
    const answer = await preflight('/cors', 'PUT', 'access-control-request-headers: X-A');
    assert.deepEqual(
      [
        answer.status,
        headerValues(answer, 'access-control-allow-origin'),
        headerValues(answer, 'access-control-allow-methods'),
        headerValues(answer, 'access-control-allow-headers'),
        headerValues(answer, 'access-control-allow-credentials'),
        headerValues(answer, 'access-control-max-age'),
        headerValues(answer, 'vary'),
      ],
      [204, [app], ['PUT, GET'], ['x-a'], ['true'], ['600'], ['origin']],
    );
    const bad = await preflight('/cors', 'PUT', 'access-control-request-headers: x-b');
    assert.deepEqual([bad.status, headerValues(bad, 'access-control-allow-origin')], [204, []]);
  });

  it('marks refusals and answers, for listed origins alone', async () => {
    const refused = await ask('GET /cors', `origin: ${app}`);
    assert.deepEqual(
      [refused.status, reasonOf(refused), headerValues(refused, 'access-control-allow-origin')],
      [403, 'forbidden', [app]],
    );
    const other = await ask('GET /open', 'origin: https://evil.test');
    assert.deepEqual(
      [other.status, headerValues(other, 'access-control-allow-origin'), headerValues(other, 'vary')],
      [200, [], ['origin']],
    );
    assert.deepEqual(headerValues(await ask('GET /open'), 'vary'), ['origin']);
  });

  it('takes a preflight to the Route of the request that it announces', async () => {
    assert.equal((await preflight('/cors', 'DELETE')).status, 405);
    const announced = await preflight('/beta', 'GET', 'access-control-request-headers: x-a');
    assert.equal(announced.status, 204);
    assert.equal((await preflight('/beta', 'GET')).status, 404);
  });

  it('leaves OPTIONS to a Route without it that takes the method, and to no other', async () => {
    assert.equal(echoed(await preflight('/own', 'GET')).method, 'OPTIONS');
    assert.equal(echoed(await preflight('/own', 'PUT')).method, 'OPTIONS');
    assert.equal((await preflight('/get', 'GET')).status, 405);
    assert.equal(echoed(await ask('OPTIONS /open', `origin: ${app}`)).method, 'OPTIONS');
  });

  it('is explained as nodes do it', async () => {
    const explain = async (path: string, method: string): Promise<unknown[]> => {
      const headers = [
        ['origin', app],
        ['access-control-request-method', method],
      ];
      const request = { method: 'OPTIONS', url: `http://a.test${path}`, headers };
      const answer = await system.admin.call('POST', 'explain', { body: { request } });
      const filters = answer.field('filters') as { effect: { detail: string } }[];
      return [answer.field('route'), answer.field('reason'), ...filters.map(({ effect }) => effect.detail)];
    };
    assert.deepEqual(await explain('/cors', 'PUT'), [
      'default/cors',
      null,
      'answers the preflight, 204',
      'not reached',
    ]);
    assert.deepEqual(await explain('/cors', 'DELETE'), [null, 'method_not_allowed']);
    assert.deepEqual(await explain('/get', 'GET'), [null, 'method_not_allowed']);
    assert.deepEqual(await explain('/own', 'PUT'), ['default/own', null]);
  });
});

describe('ipRestriction and authorize on a node', () => {
  it('let in by the address that a trusted proxy tells', async () => {
    const statusFrom = async (address: string, path = '/inside') =>
      (await ask(`GET ${path}`, `x-forwarded-for: ${address}`)).status;
    assert.deepEqual(
      await Promise.all(
        ['10.0.0.1', '2001:db8::1', '10.9.0.1', '203.0.113.1'].map(async (from) => statusFrom(from)),
      ),
      [200, 200, 403, 403],
    );
    // What stands left of an address that is no trusted proxy is hearsay.
    assert.equal(await statusFrom('10.0.0.1, 203.0.113.1'), 403);
    assert.equal(await statusFrom('203.0.113.1', '/tried'), 200);
  });

  it('judge the path that the upstream gets, however it is written', async () => {
    const statusOf = async (path: string) => (await ask(`GET ${path}`)).status;
    assert.equal(await statusOf('/rules/public/x'), 200);
    const forbidden = [
      '/rules/public/../api',
      '/rules/public/%2e%2e/api',
      '/rules/public/./api/x',
      '/rules/public//api/x',
      '/rules/%70ublic/%61pi/x',
      '/rules/public/api',
      '/rules/publicity',
      '/rules',
    ];
    for (const path of forbidden) assert.equal(await statusOf(path), 403, path);
    for (const path of ['/rules/public%2Fapi', '/rules/public/..%2Fapi', '/rules/public/%2e%2e%5capi'])
      assert.equal(await statusOf(path), 400, path);
    // Escapes of escapes are no escapes: a segment of that name is public.
    assert.deepEqual(
      echoed(await ask('GET /rules/public/%252e%252e/api')).target,
      '/rules/public/%252e%252e/api',
    );
  });
});

describe('headers, rewrite, redirect and version on a node', () => {
  it('change heads on both ways', async () => {
    const answer = await ask(
      'GET /headers?user=joe',
      'x-old: 1',
      'x-debug: 1',
      'x_user: root',
      'X-User: root',
      'x-tag: a',
    );
    const seen = echoed(answer);
    assert.deepEqual(
      ['x-old', 'x-new', 'x-debug', 'x_user', 'x-user', 'x-tag'].map((name) => sent(seen, name)),
      [[], ['1'], [], [], ['joe'], ['a', 'b']],
    );
    assert.deepEqual(
      ['content-type', 'x-frame-options', 'set-cookie'].map((name) => headerValues(answer, name)),
      [[], ['DENY'], ['a=joe']],
    );
    const spoilt = await ask('GET /headers?user=a%0d%0ax-evil:1');
    assert.deepEqual([spoilt.status, reasonOf(spoilt)], [400, 'bad_request']);
  });

  it('send upstream what is rewritten, under the name of the endpoint', async () => {
    const seen = echoed(await ask('GET /old/a%20b?debug=1&x=%7e'));
    assert.deepEqual(
      [seen.target, sent(seen, 'host'), sent(seen, 'x-forwarded-host')],
      ['/new/a%20b?x=%7e&v=2', [`127.0.0.1:${echoPort}`], ['a.test']],
    );
    assert.equal(echoed(await ask('GET /old')).target, '/new?v=2');
  });

  it('lead to another address', async () => {
    const answer = await ask('GET /moved/a/b?x=1');
    assert.deepEqual([answer.status, headerValues(answer, 'location')], [308, ['https://b.test/m/a/b?x=1']]);
    assert.deepEqual(headerValues(await ask('HEAD /moved/'), 'location'), ['https://b.test/m/']);
  });

  it('tell of versions that go, and serve none that is gone', async () => {
    const old = await ask('GET /v1');
    assert.deepEqual(
      ['api-version', 'deprecation', 'sunset', 'link'].map((name) => headerValues(old, name)),
      [
        ['v1'],
        ['@1577836800'],
        ['Fri, 01 Jan 9999 00:00:00 GMT'],
        ['<https://example.com/v2>; rel="deprecation sunset"'],
      ],
    );
    const gone = await ask('GET /v0');
    assert.deepEqual([gone.status, reasonOf(gone)], [410, 'gone']);
  });
});
