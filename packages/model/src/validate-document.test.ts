import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kindNamed, kinds } from './kinds/registry.ts';
import { routeKind } from './kinds/route.ts';
import { documentSchema } from './json-schema.ts';
import { effectiveSpec, validateDocument } from './validate-document.ts';

const route = (spec: unknown, metadata: unknown = { name: 'orders' }): unknown => ({
  apiVersion: 'causeway/v1',
  kind: 'Route',
  metadata,
  spec,
});

const problemsOf = (document: unknown) => validateDocument(document).problems ?? [];

describe('validateDocument', () => {
  it('keeps a document as written, without nulls and server-set fields, in its namespace', () => {
    const { manifest } = validateDocument({
      ...(route(
        { backends: [{ service: 'orders' }], priority: null },
        { name: 'orders', uid: 'x', generation: 3, labels: { team: 'shop' } },
      ) as object),
      status: { anything: true },
    });
    assert.deepEqual(manifest, {
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name: 'orders', namespace: 'default', labels: { team: 'shop' } },
      spec: { backends: [{ service: 'orders' }] },
    });
  });

  it('answers all problems at once, with pointers and hints', () => {
    const found = problemsOf(
      route({
        hosts: ['api.example.com'],
        match: [{ path: { prefix: '/orders' } }],
        backends: [{ service: 'order' }],
        timeouts: { request: 10 },
      }),
    );
    assert.deepEqual(found, [
      {
        code: 'unknown_field',
        pointer: '/spec/match',
        detail: 'unknown field',
        hint: 'did you mean "matches"?',
      },
      {
        code: 'bad_format',
        pointer: '/spec/timeouts/request',
        detail: '10 is not a duration',
        hint: 'did you mean "10s"?',
      },
    ]);
  });

  it('says of a promised field that this version has none', () => {
    const [found] = problemsOf(route({ backends: [{ service: 'a' }], tracing: {} }));
    assert.deepEqual(found, {
      code: 'unknown_field',
      pointer: '/spec/tracing',
      detail: 'unknown field',
      hint: 'this version has no such field yet',
    });
  });

  const bad: [string, unknown, string, string, RegExp?][] = [
    ['a wildcard in the middle', { hosts: ['a.*.com'] }, '/spec/hosts/0', 'bad_format'],
    ['a host with port', { hosts: ['a.com:80'] }, '/spec/hosts/0', 'bad_format', /did you mean "a\.com"/],
    ['the same host twice', { hosts: ['a.com', 'a.com'] }, '/spec/hosts/1', 'duplicate'],
    ['no match at all', { matches: [] }, '/spec/matches', 'out_of_range'],
    [
      'a path without slash',
      { matches: [{ path: { prefix: 'a' } }] },
      '/spec/matches/0/path/prefix',
      'bad_format',
      /did you mean "\/a"/,
    ],
    [
      'two kinds of path',
      { matches: [{ path: { prefix: '/a', exact: '/a' } }] },
      '/spec/matches/0/path',
      'exclusive',
    ],
    ['an empty path', { matches: [{ path: {} }] }, '/spec/matches/0/path', 'missing'],
    [
      'a template with a name twice',
      { matches: [{ path: { template: '/{a}/{a}' } }] },
      '/spec/matches/0/path/template',
      'bad_format',
    ],
    [
      'a rest that is not last',
      { matches: [{ path: { template: '/{a...}/b' } }] },
      '/spec/matches/0/path/template',
      'bad_format',
    ],
    [
      'a regex with backreference',
      { matches: [{ path: { regex: '(a)\\1' } }] },
      '/spec/matches/0/path/regex',
      'bad_format',
    ],
    [
      'a lower-case method',
      { matches: [{ methods: ['get'] }] },
      '/spec/matches/0/methods/0',
      'bad_format',
      /did you mean "GET"/,
    ],
    [
      'a predicate with two ways',
      { matches: [{ headers: [{ name: 'x', exact: 'a', present: true }] }] },
      '/spec/matches/0/headers/0',
      'exclusive',
    ],
    [
      'a predicate with none',
      { matches: [{ query: [{ name: 'x' }] }] },
      '/spec/matches/0/query/0',
      'missing',
    ],
    [
      'a negative weight',
      { backends: [{ service: 'a', weight: -1 }] },
      '/spec/backends/0/weight',
      'out_of_range',
    ],
    [
      'a quoted weight',
      { backends: [{ service: 'a', weight: '5' }] },
      '/spec/backends/0/weight',
      'wrong_type',
      /without quotes/,
    ],
    ['a backend twice', { backends: [{ service: 'a' }, { service: 'a' }] }, '/spec/backends/1', 'duplicate'],
    ['no backends', { backends: undefined }, '/spec/backends', 'missing'],
    [
      'a size in MB',
      { limits: { maxBodySize: '10MB' } },
      '/spec/limits/maxBodySize',
      'bad_format',
      /did you mean "10MiB"/,
    ],
    ['a string for a list', { hosts: 'a.com' }, '/spec/hosts', 'wrong_type', /write \["a\.com"\]/],
  ];
  for (const [what, spec, pointer, code, hint] of bad) {
    it(`refuses ${what}`, () => {
      const found = problemsOf(route({ backends: [{ service: 'a' }], ...(spec as object) }));
      assert.equal(found.length, 1, JSON.stringify(found));
      assert.equal(found[0]!.pointer, pointer);
      assert.equal(found[0]!.code, code);
      if (hint) assert.match(found[0]!.hint ?? '', hint);
    });
  }

  it('refuses what is no document', () => {
    for (const value of [null, 1, 'x', [], [{}]]) assert.equal(problemsOf(value)[0]!.code, 'wrong_type');
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level++) deep = [deep];
    assert.equal(problemsOf({ spec: deep })[0]!.code, 'out_of_range');
    assert.match(
      problemsOf({ apiVersion: 'causeway/v1', kind: 'Rout', metadata: { name: 'a' } })[0]!.hint!,
      /Route/,
    );
    assert.equal(
      problemsOf({ apiVersion: 'causeway/v1', kind: 'Node', metadata: { name: 'a' } })[0]!.code,
      'not_allowed_here',
    );
  });

  it('spells the kind right whatever word for it was written', () => {
    for (const kind of ['route', 'routes', 'rt', 'Rout']) {
      const [found] = problemsOf({ apiVersion: 'causeway/v1', kind, metadata: { name: 'a' } });
      assert.equal(found!.hint, 'did you mean "Route"?', kind);
    }
  });

  it('refuses endpoint names that resolvers read as numbers', () => {
    for (const address of ['127.1', '0x7f.1', '2130706433', '0x7f000001', 'a.0x7f', '127.0.0.1.']) {
      const service = { apiVersion: 'causeway/v1', kind: 'Service', metadata: { name: 'a' } };
      const found = problemsOf({ ...service, spec: { endpoints: [{ address, port: 80 }] } });
      assert.equal(found[0]?.pointer, '/spec/endpoints/0/address', address);
    }
  });

  it('takes field names of Object.prototype for unknown fields', () => {
    const found = problemsOf(
      route(JSON.parse('{"backends":[{"service":"a"}],"__proto__":1,"constructor":2}')),
    );
    assert.deepEqual(found.map((problem) => problem.pointer).toSorted(), [
      '/spec/__proto__',
      '/spec/constructor',
    ]);
  });

  it('never shows a bad secret value', () => {
    const found = problemsOf({
      apiVersion: 'causeway/v1',
      kind: 'Secret',
      metadata: { name: 's' },
      spec: { data: { pin: 12345678 } },
    });
    assert.equal(found[0]!.pointer, '/spec/data/pin');
    assert.doesNotMatch(JSON.stringify(found), /12345678/);
  });

  it('refuses a namespace on a cluster-wide kind', () => {
    const found = problemsOf({
      apiVersion: 'causeway/v1',
      kind: 'Gateway',
      metadata: { name: 'g', namespace: 'shop' },
      spec: {},
    });
    assert.equal(found[0]!.pointer, '/metadata/namespace');
  });
});

describe('effectiveSpec', () => {
  it('fills in every default', () => {
    const spec = effectiveSpec(routeKind, { backends: [{ service: 'a' }] });
    assert.deepEqual(spec.gateways, ['default']);
    assert.deepEqual(spec.matches, [
      { path: { prefix: '/' }, methods: [], headers: [], query: [], cookies: [] },
    ]);
    assert.deepEqual(spec.backends, [{ service: 'a', weight: 1 }]);
    assert.deepEqual(spec.timeouts, {
      request: '0s',
      backendRequest: '0s',
      responseHead: '60s',
      idle: '60s',
      streamIdle: '0s',
    });
    assert.equal(spec.retry, undefined);
  });

  /** Specs with what cannot be left out. */
  const least: Readonly<Record<string, Record<string, unknown>>> = {
    Route: { backends: [{ service: 'a' }] },
    ApiSpec: { document: {} },
    DescriptorSet: { data: 'CgA=' },
    Plugin: { configSchema: true },
    AuthProvider: { issuer: 'https://id.test/', audiences: ['api'] },
  };

  it('has an effective form that is its own effective form', () => {
    for (const kind of kinds.filter((candidate) => candidate.spec && candidate.kind !== 'Certificate')) {
      const once = effectiveSpec(kind, least[kind.kind] ?? {});
      assert.deepEqual(effectiveSpec(kind, once as Record<string, unknown>), once);
    }
  });
});

describe('documentSchema', () => {
  it('carries defaults, descriptions, unions and merge keys', () => {
    const spec = documentSchema(kindNamed('Route')!).properties!['spec']!;
    assert.equal(spec.properties!['priority']!.default, 0);
    assert.equal(spec.properties!['backends']!['x-causeway-list-key'], 'service');
    const path = spec.properties!['matches']!.items!.properties!['path']!;
    assert.deepEqual(
      path.oneOf!.map((way) => way.required![0]),
      ['exact', 'prefix', 'template', 'regex'],
    );
    assert.equal(path.additionalProperties, false);
  });
});
