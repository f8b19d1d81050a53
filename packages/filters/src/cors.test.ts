import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CorsSettings, createCorsFilter } from './cors.ts';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const app = 'https://app.example.com';

function ownerOf(
  settings: Partial<CorsSettings>,
  headers: Record<string, string>,
  change: Partial<FakeOwner> = {},
): FakeOwner {
  const filter = createCorsFilter('cors', {
    allowOrigins: [app, 'https://*.example.org'],
    allowMethods: ['GET', 'PUT'],
    allowHeaders: ['authorization', 'x-a'],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeSeconds: 600,
    ...settings,
  });
  const owner = new FakeOwner(new FilterChain([filter]));
  return Object.assign(owner, { headers: new Map(Object.entries(headers)) }, change);
}

/** The fields of the response to a request that an upstream answers. */
function marked(
  origin: string | undefined,
  settings: Partial<CorsSettings> = {},
  fields: string[] = [],
): string[] {
  const owner = ownerOf(settings, origin === undefined ? {} : { origin });
  owner.chain.requestHead(owner);
  owner.responseStatus = 200;
  owner.responseFields = fields;
  owner.chain.responseHead(owner);
  assert.deepEqual(owner.log, ['request', 'response 200']);
  return owner.responseFields;
}

/** The fields of the answer to a preflight. */
function preflight(
  { origin = app, method = 'PUT', asked }: { origin?: string; method?: string; asked?: string },
  settings: Partial<CorsSettings> = {},
  change: Partial<FakeOwner> = {},
): Record<string, string> {
  const headers = {
    origin,
    'access-control-request-method': method,
    ...(asked !== undefined && { 'access-control-request-headers': asked }),
  };
  const owner = ownerOf(settings, headers, { method: 'OPTIONS', ...change });
  owner.chain.requestHead(owner);
  assert.deepEqual(owner.log, ['replace 204', 'response 204']);
  const { responseFields: fields } = owner;
  return Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]!]] : [])));
}

const refused = { vary: 'origin' };

describe('cors on responses', () => {
  it('names a listed origin, and says that another one is answered differently', () => {
    assert.deepEqual(marked(app), ['vary', 'origin', 'access-control-allow-origin', app]);
    assert.deepEqual(marked('https://a.b.example.org').slice(2), [
      'access-control-allow-origin',
      'https://a.b.example.org',
    ]);
    for (const stranger of [
      undefined,
      'null',
      'https://evil.example',
      `${app}.evil.example`,
      `${app}, ${app}`,
    ])
      assert.deepEqual(marked(stranger), ['vary', 'origin'], String(stranger));
  });

  it('takes neither another scheme nor port nor the bare domain for a listed origin', () => {
    const near = [
      'http://app.example.com',
      `${app}:8443`,
      'https://example.org',
      'https://.example.org',
      'https://evil/.example.org',
      'https://evil@a.example.org',
      'https://a.example.org:444',
      'https://aexample.org',
    ];
    for (const origin of near) assert.deepEqual(marked(origin), ['vary', 'origin'], origin);
  });

  it('lets credentials pass to listed origins alone', () => {
    const settings = { allowCredentials: true, exposeHeaders: ['x-total', 'x-page'] };
    assert.deepEqual(marked(app, settings).slice(2), [
      'access-control-allow-origin',
      app,
      'access-control-allow-credentials',
      'true',
      'access-control-expose-headers',
      'x-total, x-page',
    ]);
    assert.deepEqual(marked('https://evil.example', settings), ['vary', 'origin']);
  });

  it('answers every origin alike with "*", which is nothing that varies', () => {
    assert.deepEqual(marked('https://evil.example', { allowOrigins: ['*'] }), [
      'access-control-allow-origin',
      '*',
    ]);
    assert.deepEqual(marked(undefined, { allowOrigins: ['*'] }), []);
  });

  it('takes the place of what the upstream says, and adds to its Vary', () => {
    const own = ['Access-Control-Allow-Origin', '*', 'x-a', '1', 'access-control-allow-credentials', 'true'];
    assert.deepEqual(marked(undefined, {}, [...own]), ['x-a', '1', 'vary', 'origin']);
    assert.deepEqual(marked(undefined, {}, ['vary', 'accept, Origin']), ['vary', 'accept, Origin']);
    assert.deepEqual(marked(undefined, {}, ['vary', '*']), ['vary', '*']);
    assert.deepEqual(marked(undefined, {}, ['vary', 'x-origin']), ['vary', 'x-origin, origin']);
  });

  it('marks refusals from further in', () => {
    const filter = createCorsFilter('cors', {
      allowOrigins: [app],
      allowMethods: ['GET'],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeSeconds: 0,
    });
    const refusing = {
      kind: 'auth',
      name: 'auth',
      onRequestHead: () => ({ kind: 'refusal', reason: 'unauthenticated' }) as const,
    };
    const owner = new FakeOwner(new FilterChain([filter, refusing]));
    owner.headers.set('origin', app);
    owner.chain.requestHead(owner);
    assert.deepEqual(
      [owner.responseStatus, owner.responseFields.slice(2)],
      [401, ['access-control-allow-origin', app]],
    );
  });
});

describe('cors on preflights', () => {
  it('allows what is listed', () => {
    assert.deepEqual(preflight({ asked: 'X-A,authorization' }), {
      vary: 'origin',
      'access-control-allow-origin': app,
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'authorization, x-a',
      'access-control-max-age': '600',
    });
    assert.equal(preflight({}, { allowCredentials: true })['access-control-allow-credentials'], 'true');
  });

  it('tells an origin, method or header that is not allowed nothing', () => {
    assert.deepEqual(preflight({ origin: 'https://evil.example' }), refused);
    assert.deepEqual(preflight({ origin: 'null' }), refused);
    assert.deepEqual(preflight({ method: 'DELETE' }), refused);
    assert.deepEqual(preflight({ method: 'put' }), refused);
    assert.deepEqual(preflight({ asked: 'x-a, x-b' }), refused);
    assert.deepEqual(preflight({ asked: 'x-a,'.repeat(200) }), refused);
  });

  it('reads "*" as the methods of the Route, and as whatever headers are asked for', () => {
    const any = { allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: true };
    const some = preflight({ method: 'GET', asked: 'X-Any, y' }, any, { routeMethods: ['GET', 'POST'] });
    assert.deepEqual(
      [some['access-control-allow-methods'], some['access-control-allow-headers']],
      ['GET, POST', 'x-any, y'],
    );
    assert.deepEqual(preflight({ method: 'PUT' }, any, { routeMethods: ['GET', 'POST'] }), refused);
    assert.equal(preflight({ method: 'PURGE' }, any)['access-control-allow-methods'], 'PURGE');
    assert.deepEqual(preflight({ method: 'A B' }, any), refused);
    assert.deepEqual(preflight({ asked: 'x y' }, any), refused);
    assert.equal(preflight({}, any)['access-control-allow-headers'], undefined);
  });

  it('lets other OPTIONS requests pass', () => {
    for (const headers of [{}, { origin: app }, { 'access-control-request-method': 'PUT' }]) {
      const owner = ownerOf({}, headers, { method: 'OPTIONS' });
      owner.chain.requestHead(owner);
      assert.deepEqual(owner.log, ['request']);
    }
  });
});
