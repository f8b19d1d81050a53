// Input that is wrong: each a 4xx that names the field and the mend, and nothing of it is stored.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AdminApi, type Call } from '../../kit/admin.ts';
import { oneControlPlane, problemOf, stateOf } from './one-control-plane.ts';

const service = (spec: unknown, name: unknown = 'bad'): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Service',
  metadata: { name },
  spec,
});
const route = (spec: object, name = 'bad'): object => ({
  apiVersion: 'causeway/v1',
  kind: 'Route',
  metadata: { name },
  spec: { backends: [{ service: 'good' }], ...spec },
});

interface Bad {
  what: string;
  call: Call;
  status?: number;
  code?: string;
  /** Of the first error. */
  pointer?: string;
  problem?: string;
  words: RegExp;
}

const bad: readonly Bad[] = [
  {
    what: 'an unknown field',
    call: { body: route({ pathes: [] }) },
    pointer: '/spec/pathes',
    problem: 'unknown_field',
    words: /unknown field.*(matches\[\]\.path|did you mean)/,
  },
  {
    what: 'a field of another gateway',
    call: { body: route({ parentRefs: [] }) },
    pointer: '/spec/parentRefs',
    problem: 'unknown_field',
    words: /did you mean \\"gateways\\"\?/,
  },
  {
    what: 'a field that comes later',
    call: { body: route({ websocket: { maxConnectionsPerConsumer: 5 } }) },
    pointer: '/spec/websocket/maxConnectionsPerConsumer',
    problem: 'unknown_field',
    words: /this version has no such field yet/,
  },
  {
    what: 'a number that is text',
    call: { body: service({ endpoints: [{ address: '10.0.0.1', port: '80' }] }) },
    pointer: '/spec/endpoints/0/port',
    problem: 'wrong_type',
    words: /write it without quotes: 80/,
  },
  {
    what: 'a list that is no list',
    call: { body: route({ hosts: 'a.com' }) },
    pointer: '/spec/hosts',
    problem: 'wrong_type',
    words: /is not a list.*write \[/,
  },
  {
    what: 'a spec that is no mapping',
    call: { body: service([]) },
    pointer: '/spec',
    problem: 'wrong_type',
    words: /\[\] is not a mapping/,
  },
  {
    what: 'a number out of range',
    call: { body: service({ endpoints: [{ address: '10.0.0.1', port: 65536 }] }) },
    pointer: '/spec/endpoints/0/port',
    problem: 'out_of_range',
    words: /1 to 65535/,
  },
  {
    what: 'a duration without unit',
    call: { body: route({ timeouts: { request: '10' } }) },
    pointer: '/spec/timeouts/request',
    problem: 'bad_format',
    words: /did you mean \\"10s\\"\?/,
  },
  {
    what: 'a duration that no timer keeps',
    call: { body: route({ timeouts: { request: '90d' } }) },
    pointer: '/spec/timeouts/request',
    problem: 'out_of_range',
    words: /24d/,
  },
  {
    what: 'a size in a foreign unit',
    call: { body: route({ limits: { maxBodySize: '10MB' } }) },
    pointer: '/spec/limits/maxBodySize',
    problem: 'bad_format',
    words: /did you mean \\"10MiB\\"\?/,
  },
  {
    what: 'a missing field',
    call: { body: service({ endpoints: [{ port: 80 }] }) },
    pointer: '/spec/endpoints/0/address',
    problem: 'missing',
    words: /required: an IP address or DNS name/,
  },
  {
    what: 'a missing reference',
    call: { body: route({ backends: [{ service: 'goood' }] }) },
    pointer: '/spec/backends/0/service',
    problem: 'unknown_reference',
    words: /no Service named \\"goood\\".*did you mean \\"good\\"\?/,
  },
  {
    what: 'a missing Gateway',
    call: { body: route({ gateways: ['edge'] }) },
    pointer: '/spec/gateways/0',
    problem: 'unknown_reference',
    words: /no Gateway named \\"edge\\"/,
  },
  {
    what: 'the same object twice',
    call: { body: { kind: 'List', items: [service({}), service({})] } },
    pointer: '/metadata/name',
    problem: 'duplicate',
    words: /stands twice, first in document 0/,
  },
  {
    what: 'the same endpoint twice',
    call: {
      body: service({
        endpoints: [
          { address: '10.0.0.1', port: 1 },
          { address: '10.0.0.1', port: 1, weight: 2 },
        ],
      }),
    },
    pointer: '/spec/endpoints/1',
    problem: 'duplicate',
    words: /as entry 0/,
  },
  {
    what: 'a name that is none',
    call: { body: service({}, 'My Service') },
    pointer: '/metadata/name',
    problem: 'bad_format',
    words: /did you mean \\"my-service\\"\?/,
  },
  {
    what: 'no name',
    call: { body: { ...service({}), metadata: {} } },
    pointer: '/metadata/name',
    problem: 'missing',
    words: /required: a name/,
  },
  {
    what: 'an unknown kind',
    call: { body: { ...service({}), kind: 'Servce' } },
    pointer: '/kind',
    problem: 'bad_format',
    words: /did you mean \\"Service\\"\?/,
  },
  {
    what: 'a kind that is read-only',
    call: { body: { ...service({}), kind: 'Node' } },
    pointer: '/kind',
    problem: 'not_allowed_here',
    words: /Node is read-only/,
  },
  {
    what: 'another API version',
    call: { body: { ...service({}), apiVersion: 'v1' } },
    pointer: '/apiVersion',
    problem: 'bad_format',
    words: /did you mean \\"causeway\/v1\\"\?/,
  },
  {
    what: 'a namespace on a Gateway',
    call: {
      body: { apiVersion: 'causeway/v1', kind: 'Gateway', metadata: { name: 'g', namespace: 'x' }, spec: {} },
    },
    pointer: '/metadata/namespace',
    problem: 'not_allowed_here',
    words: /cluster-wide.*remove it/,
  },
  {
    what: 'a host with a scheme',
    call: { body: route({ hosts: ['https://api.example.com/x'] }) },
    pointer: '/spec/hosts/0',
    problem: 'bad_format',
    words: /did you mean \\"api\.example\.com\\"\?/,
  },
  {
    what: 'a host with a wildcard inside',
    call: { body: route({ hosts: ['api.*.com'] }) },
    pointer: '/spec/hosts/0',
    problem: 'bad_format',
    words: /is not a host/,
  },
  {
    what: 'a path without a slash',
    call: { body: route({ matches: [{ path: { prefix: 'orders' } }] }) },
    pointer: '/spec/matches/0/path/prefix',
    problem: 'bad_format',
    words: /did you mean \\"\/orders\\"\?/,
  },
  {
    what: 'a path with a query',
    call: { body: route({ matches: [{ path: { exact: '/orders?x=1' } }] }) },
    pointer: '/spec/matches/0/path/exact',
    problem: 'bad_format',
    words: /did you mean \\"\/orders\\"\?/,
  },
  {
    what: 'a path that no request can have',
    call: { body: route({ matches: [{ path: { prefix: '/a/../b' } }] }) },
    pointer: '/spec/matches/0/path/prefix',
    problem: 'bad_format',
    words: /dot segments/,
  },
  {
    what: 'a regex that is none',
    call: { body: route({ matches: [{ path: { regex: '/(a' } }] }) },
    pointer: '/spec/matches/0/path/regex',
    problem: 'bad_format',
    words: /regular expression/,
  },
  {
    what: 'two kinds of path',
    call: { body: route({ matches: [{ path: { prefix: '/', exact: '/' } }] }) },
    pointer: '/spec/matches/0/path',
    problem: 'exclusive',
    words: /exactly one of exact, prefix, template, regex/,
  },
  {
    what: 'a lower-case method',
    call: { body: route({ matches: [{ methods: ['get'] }] }) },
    pointer: '/spec/matches/0/methods/0',
    problem: 'bad_format',
    words: /did you mean \\"GET\\"\?/,
  },
  {
    what: 'a metadata address',
    call: { body: service({ endpoints: [{ address: '169.254.169.254', port: 80 }] }) },
    pointer: '/spec/endpoints/0/address',
    problem: 'forbidden_address',
    words: /link-local, metadata/,
  },
  {
    what: 'a unix socket',
    call: { body: service({ endpoints: [{ address: '/run/x.sock', port: 80 }] }) },
    pointer: '/spec/endpoints/0/address',
    problem: 'bad_format',
    words: /unix sockets are not supported/,
  },
  {
    what: 'a head limit that no node could hold',
    call: {
      body: {
        apiVersion: 'causeway/v1',
        kind: 'Gateway',
        metadata: { name: 'g' },
        spec: { limits: { maxHeadSize: '8GiB' } },
      },
    },
    pointer: '/spec/limits/maxHeadSize',
    problem: 'out_of_range',
    words: /256B to 1MiB/,
  },
  {
    what: 'a stale resourceVersion',
    call: { body: { ...service({}), metadata: { name: 'good', resourceVersion: '99' } } },
    status: 409,
    code: 'conflict',
    pointer: '/metadata/resourceVersion',
    problem: 'conflict',
    words: /is at resourceVersion 1, not 99.*read it again/,
  },
  {
    what: 'YAML that is none',
    call: { body: 'kind: Service\n  name: x\n' },
    status: 400,
    code: 'malformed',
    words: /document 0 is not YAML: line 1, column 7/,
  },
  {
    what: 'JSON that is none',
    call: { body: '{"kind": "Service",}', contentType: 'application/json' },
    status: 400,
    code: 'malformed',
    words: /not JSON from line 1, column 20/,
  },
  {
    what: 'a document of 10 MiB',
    call: {
      body: JSON.stringify(service({ note: 'x'.repeat(10 * 1024 * 1024) })),
      contentType: 'application/json',
    },
    status: 413,
    code: 'too_large',
    words: /1048576 bytes/,
  },
  {
    what: 'a YAML document of 10 MiB',
    call: { body: `kind: Service\nnote: ${'x'.repeat(10 * 1024 * 1024)}` },
    status: 413,
    code: 'too_large',
    words: /1048576 bytes/,
  },
  {
    what: 'a wrong token',
    call: { body: service({}), token: 'cwt_wrong' },
    status: 401,
    code: 'unauthenticated',
    words: /the token is not valid/,
  },
  {
    what: 'no token',
    call: { body: service({}), token: null },
    status: 401,
    code: 'unauthenticated',
    words: /a bearer token is needed/,
  },
];

describe('bad input', () => {
  const plane = oneControlPlane();
  let before: unknown;

  const unchanged = async (admin: AdminApi): Promise<void> => {
    before ??= await firstState(admin);
    assert.deepEqual(await stateOf(admin), before);
  };
  const firstState = async (admin: AdminApi): Promise<unknown> => {
    await admin.apply([{ kind: 'Service', metadata: { name: 'good' }, spec: {} }]);
    return stateOf(admin);
  };

  for (const { what, call, status = 422, code = 'invalid', pointer, problem, words } of bad) {
    it(`${what} is refused, named and mended, and leaves the store as it was`, async () => {
      const { admin } = plane;
      await unchanged(admin);
      const answer = await admin.call('POST', 'apply', call);
      const { errors } = problemOf(answer, status, code);
      assert.match(answer.text, words);
      if (pointer !== undefined) {
        assert.equal(errors.length, 1, answer.text);
        assert.deepEqual([errors[0]?.pointer, errors[0]?.code], [pointer, problem]);
        if (pointer.startsWith('/spec'))
          assert.match(errors[0]?.resource ?? '', /^(service|route|gateway)\//);
      }
      if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Bearer realm="causeway"');
      await unchanged(admin);
    });
  }
});
