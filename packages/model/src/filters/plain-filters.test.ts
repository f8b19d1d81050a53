import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateDocument } from '../validate-document.ts';

/** `code pointer` of each problem, the pointer below the filter; with the hint where there is one. */
function problemsOf(filter: object): string[] {
  const document = {
    apiVersion: 'causeway/v1',
    kind: 'Middleware',
    metadata: { name: 'a' },
    spec: { filters: [filter] },
  };
  return (validateDocument(document).problems ?? []).map(({ code, pointer, hint }) => {
    const at = pointer.replace('/spec/filters/0', '').replace(/^\/[a-zA-Z]+/, '');
    return `${code} ${at}${hint === undefined ? '' : ` (${hint})`}`;
  });
}

const app = 'https://app.example.com';

const login = (cookie: object): object => ({ oidc: { provider: 'corp', cookie } });

const good: [string, object][] = [
  ['cors for all', { cors: { allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'] } }],
  ['cors for some', { cors: { allowOrigins: [app, 'https://*.example.com:8443'], allowCredentials: true } }],
  ['a list of networks', { ipRestriction: { deny: ['10.0.0.0/8', '2001:db8::1'] } }],
  ['a rule for everybody', { authorize: { rules: [{ allow: {} }] } }],
  [
    'rules',
    { authorize: { rules: [{ deny: { paths: ['/a', '/b/*', '/*'], claims: { a: 1, b: ['x', true] } } }] } },
  ],
  ['a bearer', { authorize: { rules: [{ allow: { consumers: ['acme', 'corp/Joe Doe'] } }] } }],
  ['a login of one host', login({ name: '__Host-s' })],
  ['a login over TLS', login({ name: '__Secure-s', domain: 'a.test' })],
  ['headers', { headers: { request: { rename: { A: 'b' }, remove: ['x-forwarded-for'] } } }],
  ['a rewrite', { rewrite: { host: 'b.test:80', path: { template: '/a%20b/${path.x}' } } }],
  ['a redirect', { redirect: { port: 8443 } }],
  [
    'a version',
    { enforcement: 'shadow', version: { current: '2026-01', sunsetAt: '2027-06-30T00:00:00+02:00' } },
  ],
];

const bad: [string, object, string[]][] = [
  ['cors without origins', { cors: {} }, ['missing /allowOrigins']],
  ['no origin at all', { cors: { allowOrigins: [] } }, ['out_of_range /allowOrigins']],
  [
    'every origin with credentials',
    { cors: { allowOrigins: ['*'], allowCredentials: true } },
    ['exclusive /allowOrigins (list the origins, or remove allowCredentials)'],
  ],
  [
    'every header exposed with credentials',
    { cors: { allowOrigins: [app], exposeHeaders: ['*'], allowCredentials: true } },
    ['exclusive /exposeHeaders (list the headers)'],
  ],
  [
    'everything and something',
    { cors: { allowOrigins: ['*', app] } },
    ['exclusive /allowOrigins (write ["*"], or remove it)'],
  ],
  [
    'an origin with a path',
    { cors: { allowOrigins: [`${app}/`] } },
    [`bad_format /allowOrigins/0 (did you mean "${app}"?)`],
  ],
  [
    'enforcement of what refuses nothing',
    { enforcement: 'shadow', cors: { allowOrigins: ['*'] } },
    ['not_allowed_here  (filters that take it: '],
  ],
  [
    'a login whose cookie no browser takes',
    login({ name: '__host-s', domain: 'a.test' }),
    ['not_allowed_here /cookie/name'],
  ],
  ['a restriction of nobody', { ipRestriction: {} }, ['missing ']],
  ['no network', { ipRestriction: { allow: ['10.0.0.0/33'] } }, ['bad_format /allow/0']],
  ['no rules', { authorize: { rules: [] } }, ['out_of_range /rules']],
  ['a rule that says both', { authorize: { rules: [{ allow: {}, deny: {} }] } }, ['exclusive /rules/0']],
  [
    'an empty list',
    { authorize: { rules: [{ allow: { consumers: [] } }] } },
    ['out_of_range /rules/0/allow/consumers'],
  ],
  [
    'a pattern',
    { authorize: { rules: [{ allow: { paths: ['/a*'] } }] } },
    ['bad_format /rules/0/allow/paths/0'],
  ],
  [
    'a dot segment',
    { authorize: { rules: [{ allow: { paths: ['/a/../b'] } }] } },
    ['bad_format /rules/0/allow/paths/0'],
  ],
  [
    'a strange name',
    { authorize: { rules: [{ allow: { consumers: ['corp/'] } }] } },
    ['bad_format /rules/0/allow/consumers/0'],
  ],
  [
    'headers that change nothing',
    { headers: { request: {} } },
    ['missing  (write request, response or both)'],
  ],
  [
    'host',
    { headers: { request: { set: { Host: 'b' } } } },
    ['not_allowed_here /request/set/Host (use rewrite.host)'],
  ],
  [
    'framing',
    { headers: { response: { remove: ['content-length'] } } },
    ['not_allowed_here /response/remove/0'],
  ],
  [
    'an identity',
    { headers: { request: { set: { x_consumer_name: 'a' } } } },
    ['not_allowed_here /request/set/x_consumer_name'],
  ],
  [
    'a forged address',
    { headers: { request: { rename: { a: 'x-forwarded-for' } } } },
    ['not_allowed_here /request/rename/a'],
  ],
  ['a rewrite of nothing', { rewrite: { query: {} } }, ['missing ']],
  ['a URL for a host', { rewrite: { host: 'http://b' } }, ['bad_format /host']],
  ['two paths', { rewrite: { path: { exact: '/a', prefix: '/b' } } }, ['exclusive /path']],
  ['a path of another host', { rewrite: { path: { exact: '//b' } } }, ['bad_format /path/exact']],
  [
    'a template with a query',
    { rewrite: { path: { template: '/a?${path.x}' } } },
    ['bad_format /path/template'],
  ],
  [
    'a template that begins anywhere',
    { rewrite: { path: { template: '${path.x}' } } },
    ['bad_format /path/template'],
  ],
  [
    'a template that climbs',
    { rewrite: { path: { template: '/a/../${path.x}' } } },
    ['bad_format /path/template'],
  ],
  ['a redirect to itself', { redirect: {} }, ['missing  (else it leads to itself)']],
  ['no redirect', { redirect: { scheme: 'https', status: 200 } }, ['bad_format /status']],
  ['a version without a name', { version: {} }, ['missing /current']],
  [
    'a date',
    { version: { current: 'a', sunsetAt: '2027-06-30' } },
    ['bad_format /sunsetAt (write it like 2027-06-30T00:00:00Z)'],
  ],
  [
    'an end before the beginning of the end',
    { version: { current: 'a', deprecatedAt: '2027-01-01T00:00:00Z', sunsetAt: '2026-01-01T00:00:00Z' } },
    ['out_of_range /sunsetAt'],
  ],
  [
    'a link to nowhere',
    { version: { current: 'a', deprecatedAt: '2027-01-01T00:00:00Z', link: 'docs>' } },
    ['bad_format /link'],
  ],
];

describe('filters that need nothing but the request', () => {
  for (const [what, filter] of good) it(`take ${what}`, () => assert.deepEqual(problemsOf(filter), []));
  for (const [what, filter, expected] of bad)
    it(`refuse ${what}`, () => {
      const problems = problemsOf(filter);
      assert.equal(problems.length, expected.length, problems.join('; '));
      for (const [at, text] of expected.entries()) assert.ok(problems[at]!.startsWith(text), problems[at]!);
    });
});
