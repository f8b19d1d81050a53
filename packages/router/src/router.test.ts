import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedCharacters } from './canonical-path.ts';
import type { RouteOutcome } from './route-match.ts';
import { emptyRouter, matchRoute, updateRouter } from './router.ts';
import type { Rule } from './rule.ts';
import type { RequestFields } from './testing/requests.ts';
import { requestOf, ruleOf } from './testing/requests.ts';

function outcomeOf(rules: Rule<string>[], path: string, fields?: RequestFields): RouteOutcome<string> {
  return matchRoute(updateRouter(emptyRouter<string>(), { remove: [], add: rules }), requestOf(path, fields));
}

/** The key of the rule that takes the request, in whichever order the rules were added. */
function winner(rules: Rule<string>[], path: string, fields?: RequestFields): string {
  const [forth, back] = [rules, rules.toReversed()].map((order) => {
    const outcome = outcomeOf(order, path, fields);
    return outcome.kind === 'match' ? outcome.rule.key : outcome.kind;
  });
  assert.equal(forth, back);
  return forth ?? '';
}

const paths = (...entries: [key: string, path: Rule<string>['path']][]) =>
  entries.map(([key, path]) => ruleOf(key, { path }));

test('an exact host beats the longest wildcard, which beats a shorter one and every host', () => {
  const rules = [
    ruleOf('every', { path: { exact: '/x' } }),
    ruleOf('short', { hosts: ['*.com'], path: { exact: '/x' } }),
    ruleOf('long', { hosts: ['*.example.com'] }),
    ruleOf('exact', { hosts: ['a.example.com'] }),
  ];
  assert.equal(winner(rules, '/x'), 'exact');
  assert.equal(winner(rules, '/x', { host: 'b.c.example.com' }), 'long');
  assert.equal(winner(rules, '/x', { host: 'example.com' }), 'short');
  assert.equal(winner(rules, '/x', { host: 'localhost' }), 'every');
  assert.equal(winner(rules, '/x', { host: `${'a.'.repeat(200)}example.com` }), 'every');
});

test('a wildcard host needs a label to its left', () => {
  const rules = [ruleOf('wild', { hosts: ['*.example.com'] })];
  assert.equal(winner(rules, '/', { host: 'example.com' }), 'no_route');
  assert.equal(winner(rules, '/', { host: '.example.com' }), 'no_route');
  assert.equal(winner(rules, '/', { host: 'badexample.com' }), 'no_route');
});

test('a prefix takes whole segments, and its own trailing slash does not count', () => {
  for (const prefix of ['/a', '/a/']) {
    const rules = paths(['p', { prefix }]);
    for (const path of ['/a', '/a/', '/a/b', '/a/b/c/']) assert.equal(winner(rules, path), 'p', path);
    for (const path of ['/', '/ab', '/b/a']) assert.equal(winner(rules, path), 'no_route', path);
  }
});

test('an exact path beats a template that takes the same', () => {
  assert.equal(winner(paths(['b', { exact: '/a/b' }], ['a', { template: '/a/b' }]), '/a/b'), 'b');
});

test('paths are compared segment by segment: literal, parameter, end of prefix or rest', () => {
  const literalFirst = paths(['param', { template: '/{x}/orders/{y}' }], ['literal', { prefix: '/shop' }]);
  assert.equal(winner(literalFirst, '/shop/orders/1'), 'literal');
  const paramOverEnd = paths(['prefix', { prefix: '/a' }], ['param', { template: '/a/{x}' }]);
  assert.equal(winner(paramOverEnd, '/a/b'), 'param');
  assert.equal(winner(paramOverEnd, '/a/b/c'), 'prefix');
  const restRanksAsPrefix = paths(
    ['rest', { template: '/{rest...}' }],
    ['prefix', { prefix: '/orders/items' }],
  );
  assert.equal(winner(restRanksAsPrefix, '/orders/items/7'), 'prefix');
});

test('a template that ends exactly beats a prefix that ends there', () => {
  assert.equal(winner(paths(['a', { prefix: '/a/b' }], ['b', { template: '/{x}/b' }]), '/a/b'), 'a');
  assert.equal(winner(paths(['a', { prefix: '/a/b' }], ['b', { template: '/a/b' }]), '/a/b'), 'b');
});

test('a prefix and a rest that begin at one place tie, and the name decides', () => {
  assert.equal(winner(paths(['b', { prefix: '/a' }], ['a', { template: '/a/{r...}' }]), '/a/x'), 'a');
  assert.equal(winner(paths(['a', { prefix: '/a' }], ['b', { template: '/a/{r...}' }]), '/a/x'), 'a');
});

test('a parameter takes one segment that is not empty; a rest needs its slash and may be empty', () => {
  assert.equal(winner(paths(['t', { template: '/a/{x}' }]), '/a/'), 'no_route');
  assert.equal(winner(paths(['t', { template: '/a/{x}' }]), '/a/b/'), 'no_route');
  assert.equal(winner(paths(['t', { template: '/a/{r...}' }]), '/a'), 'no_route');
  assert.equal(winner(paths(['t', { template: '/a/{r...}' }]), '/a/'), 't');
  assert.equal(winner(paths(['t', { template: '/{r...}' }]), '/'), 't');
});

test('a trailing slash counts in exact paths and templates', () => {
  assert.equal(winner(paths(['e', { exact: '/a' }]), '/a/'), 'no_route');
  assert.equal(winner(paths(['t', { template: '/{x}/' }]), '/a/'), 't');
  assert.equal(winner(paths(['t', { template: '/{x}/' }]), '/a'), 'no_route');
});

test('a pattern comes last, takes the whole path, and competes by name', () => {
  assert.equal(winner(paths(['a', { regex: '/a/.*' }], ['b', { prefix: '/' }]), '/a/b'), 'b');
  assert.equal(winner(paths(['a', { regex: '/a' }]), '/a/b'), 'no_route');
  assert.equal(
    winner(paths(['b', { regex: '/.*' }], ['a', { regex: '/a+' }], ['c', { regex: '/aa' }]), '/aa'),
    'a',
  );
});

test('a rule that lists the method beats one with more headers, and those beat query matches', () => {
  const header = { name: 'X-Beta', exact: '1' };
  const rules = [
    ruleOf('a', {
      query: [
        { name: 'q', present: true },
        { name: 'r', present: true },
      ],
    }),
    ruleOf('b', { headers: [header] }),
    ruleOf('c', { methods: ['GET'] }),
    ruleOf('d', { headers: [header], cookies: [{ name: 'c', exact: '1' }] }),
  ];
  const fields = { query: 'q&r', headers: { 'x-beta': '1', cookie: 'c=1' } };
  assert.equal(winner(rules, '/', fields), 'c');
  assert.equal(
    winner(
      rules.filter((rule) => rule.key !== 'c'),
      '/',
      fields,
    ),
    'd',
  );
  assert.equal(winner(rules.slice(0, 2), '/', fields), 'b');
  assert.equal(winner([ruleOf('0'), ...rules.slice(0, 1)], '/', fields), 'a');
});

test('priority, then name, then index decide what is left', () => {
  assert.equal(winner([ruleOf('a'), ruleOf('b', { priority: 1 }), ruleOf('c', { priority: -1 })], '/'), 'b');
  assert.equal(winner([ruleOf('ns/b'), ruleOf('ns/a')], '/'), 'ns/a');
  const outcome = outcomeOf([ruleOf('a', { index: 10 }), ruleOf('a', { index: 9 })], '/');
  assert.ok(outcome.kind === 'match');
  assert.equal(outcome.rule.index, 9);
});

test('a path whose rules do not hold gives way to the next path, then to the next host', () => {
  const beta = [{ name: 'x-beta', exact: '1' }];
  const rules = [
    ruleOf('exact', { hosts: ['a.example.com'], path: { exact: '/a/b' }, headers: beta }),
    ruleOf('deep', { hosts: ['a.example.com'], path: { template: '/a/b' }, headers: beta }),
    ruleOf('param', { hosts: ['a.example.com'], path: { template: '/{x}/b' }, methods: ['POST'] }),
    ruleOf('every'),
  ];
  assert.equal(winner(rules, '/a/b', { headers: { 'x-beta': '1' } }), 'exact');
  assert.equal(winner(rules, '/a/b', { method: 'POST' }), 'param');
  assert.equal(winner(rules, '/a/b'), 'every');
});

test('405 lists each method of the rules that miss by the method alone; GET does not imply HEAD', () => {
  const rules = [
    ruleOf('a', { path: { prefix: '/a' }, methods: ['POST', 'GET'] }),
    ruleOf('b', { path: { regex: '/.*' }, methods: ['PUT', 'GET'] }),
    ruleOf('c', { path: { prefix: '/a' }, methods: ['DELETE'], headers: [{ name: 'x', present: true }] }),
  ];
  assert.deepEqual(outcomeOf(rules, '/a', { method: 'HEAD' }), {
    kind: 'method_not_allowed',
    allow: ['GET', 'POST', 'PUT'],
  });
  assert.equal(outcomeOf(rules.slice(2), '/a', { method: 'HEAD' }).kind, 'no_route');
});

test('predicates on headers: exact, prefix, pattern, presence, absence', () => {
  const takes = (header: Rule<string>['headers'][number], headers: Record<string, string>) =>
    winner([ruleOf('r', { headers: [header] })], '/', { headers }) === 'r';
  assert.ok(takes({ name: 'X-A', exact: '1, 2' }, { 'x-a': '1, 2' }));
  assert.ok(!takes({ name: 'x-a', exact: '' }, {}));
  assert.ok(takes({ name: 'x-a', prefix: 'v1' }, { 'x-a': 'v1.2' }));
  assert.ok(!takes({ name: 'x-a', prefix: 'v1' }, { 'x-a': 'v2' }));
  assert.ok(takes({ name: 'x-a', regex: 'v[0-9]' }, { 'x-a': 'v2' }));
  assert.ok(!takes({ name: 'x-a', regex: 'v[0-9]' }, { 'x-a': 'v22' }));
  assert.ok(takes({ name: 'x-a', present: true }, { 'x-a': '' }));
  assert.ok(takes({ name: 'x-a', present: false }, {}));
  assert.ok(!takes({ name: 'x-a', present: false }, { 'x-a': '' }));
});

test('query: the first value of a name, decoded, plus as space; what is no UTF-8 stays as written', () => {
  const takes = (name: string, exact: string, query: string) =>
    winner([ruleOf('r', { query: [{ name, exact }] })], '/', { query }) === 'r';
  assert.ok(takes('q', 'a b', 'q=a+b'));
  assert.ok(takes('q', 'a b', 'x&&q=a%20b&q=2'));
  assert.ok(!takes('q', '2', 'q=1&q=2'));
  assert.ok(takes('é', '=', '%C3%A9=%3D'));
  assert.ok(takes('q', '%zz', 'q=%zz'));
  assert.ok(takes('q', '%FF', 'q=%FF'));
  assert.ok(takes('q', '', 'q'));
  assert.ok(takes('__proto__', '1', '__proto__=1'));
  assert.ok(!takes('constructor', '', ''));
});

test('cookies: the first value of a name, as written', () => {
  const takes = (exact: string, cookie: string) =>
    winner([ruleOf('r', { cookies: [{ name: 'c', exact }] })], '/', { headers: { cookie } }) === 'r';
  assert.ok(takes('1', 'b=2; c=1; c=3'));
  assert.ok(takes('"x=%20"', ' c = "x=%20"'));
  assert.ok(!takes('', 'c'));
});

test('a preflight is matched by the method and the headers that it announces', () => {
  const rules = [
    ruleOf('put', { methods: ['PUT'], headers: [{ name: 'x-beta', exact: '1' }] }),
    ruleOf('get', { methods: ['GET'] }),
    ruleOf('plain', { methods: ['DELETE'], headers: [{ name: 'x-beta', present: false }] }),
  ];
  const preflight = (method: string, announced = '') => ({
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': method,
      'access-control-request-headers': announced,
    },
  });
  const taker = (request: RequestFields, among = rules, answering = true) => {
    const outcome = matchRoute(
      updateRouter(emptyRouter<string>(), { remove: [], add: among }),
      requestOf('/', request),
      () => answering,
    );
    return outcome.kind === 'match' ? outcome.rule.key : outcome.kind;
  };
  assert.equal(taker(preflight('GET')), 'get');
  assert.equal(taker(preflight('PUT', 'content-type, X-Beta')), 'put');
  assert.equal(taker(preflight('PUT')), 'method_not_allowed');
  assert.equal(taker(preflight('DELETE')), 'plain');
  assert.equal(taker(preflight('DELETE', 'x-beta')), 'method_not_allowed');
  assert.equal(taker({ method: 'OPTIONS', headers: { origin: 'x' } }), 'method_not_allowed');
  // Without a gateway that answers, it is a request of a method that these Routes do not take,
  assert.equal(taker(preflight('GET'), rules, false), 'method_not_allowed');
  // unless they say that they do, or another one does.
  const open = [ruleOf('get', { methods: ['GET', 'OPTIONS'] }), ruleOf('options', { methods: ['OPTIONS'] })];
  assert.equal(taker(preflight('GET'), open, false), 'get');
  assert.equal(taker(preflight('PUT'), open, false), 'get');
  assert.equal(taker(preflight('GET'), [...rules, open[1]!], false), 'options');
  assert.equal(taker(preflight('GET'), [...rules, open[1]!], true), 'get');
  assert.equal(taker(preflight('PATCH'), [...rules, open[1]!], true), 'options');
});

test('a match says how much of the path it took', () => {
  const taken = (path: Rule<string>['path'], request: string) => {
    const outcome = outcomeOf([ruleOf('r', { path })], request);
    assert.ok(outcome.kind === 'match');
    return request.slice(0, outcome.takenLength);
  };
  assert.equal(taken({ prefix: '/' }, '/a/b'), '');
  assert.equal(taken({ prefix: '/a/' }, '/a/b'), '/a');
  assert.equal(taken({ prefix: '/a' }, '/a'), '/a');
  assert.equal(taken({ exact: '/a/' }, '/a/'), '/a/');
  assert.equal(taken({ template: '/{x}/b' }, '/a/b'), '/a/b');
  assert.equal(taken({ template: '/{x}/{rest...}' }, '/a/b/c'), '/a');
  assert.equal(taken({ regex: '/a.*' }, '/a/b'), '/a/b');
});

test('encoded characters are matched as bytes of a segment, then refused unless the Route allows them', () => {
  const rule = ruleOf('r', { path: { template: '/{x}' }, allowEncoded: encodedCharacters.slash });
  const slash = outcomeOf([rule], '/a%2Fb', { encoded: encodedCharacters.slash });
  assert.ok(slash.kind === 'match');
  assert.equal(slash.params.get('x'), 'a%2Fb');
  const both = outcomeOf([rule], '/a%2Fb;', {
    encoded: encodedCharacters.slash | encodedCharacters.semicolon,
  });
  assert.ok(both.kind === 'bad_request');
  assert.deepEqual([both.rule, both.refused], [rule, ['semicolon']]);
});

test('parameters come from templates and named groups', () => {
  const paramsOf = (path: Rule<string>['path'], request: string) => {
    const outcome = outcomeOf([ruleOf('r', { path })], request);
    assert.ok(outcome.kind === 'match');
    return Object.fromEntries(outcome.params);
  };
  assert.deepEqual(paramsOf({ template: '/u/{id}/f/{rest...}' }, '/u/7/f/a/b'), { id: '7', rest: 'a/b' });
  assert.deepEqual(paramsOf({ template: '/{rest...}' }, '/'), { rest: '' });
  assert.deepEqual(paramsOf({ regex: '/(?P<a>[0-9]+)(/(?P<b>x))?' }, '/12'), { a: '12' });
  assert.deepEqual(paramsOf({ exact: '/a' }, '/a'), {});
  const outcome = outcomeOf([ruleOf('r', { path: { template: '/{__proto__}' } })], '/1');
  assert.ok(outcome.kind === 'match');
  assert.equal(outcome.params.get('__proto__'), '1');
});

test('a rule that cannot be built is named, and the router stays as it was', () => {
  const router = updateRouter(emptyRouter<string>(), { remove: [], add: [ruleOf('ns/good')] });
  const badPath = ruleOf('ns/bad', { index: 2, path: { regex: '(' } });
  const badHeader = ruleOf('ns/bad', { headers: [{ name: 'x-a', regex: '(' }] });
  const add = (...rules: Rule<string>[]) => updateRouter(router, { remove: ['ns/good'], add: rules });
  assert.throws(() => add(badPath), {
    name: 'RuleError',
    message: /^route ns\/bad, match 2: .*missing closing/,
  });
  assert.throws(() => add(badHeader), { name: 'RuleError', message: /header x-a/ });
  assert.throws(() => add(ruleOf('ns/a'), ruleOf('ns/a')), /added twice/);
  assert.equal(matchRoute(router, requestOf('/')).kind, 'match');
});

test('a request of 1,000 segments costs no more than the tree has nodes', () => {
  const rules: Rule<string>[] = [];
  for (let bits = 0; bits < 1024; bits++) {
    const segments = Array.from({ length: 10 }, (_, at) => ((bits >> at) & 1 ? 'a' : `{p${at}}`));
    rules.push(ruleOf(`r${bits}`, { path: { template: `/${segments.join('/')}/end` } }));
  }
  rules.push(ruleOf('deep', { path: { prefix: '/a'.repeat(200) } }));
  const router = updateRouter(emptyRouter<string>(), { remove: [], add: rules });
  const request = requestOf('/a'.repeat(1000));
  const times = Array.from({ length: 9 }, () => {
    const startedAt = performance.now();
    const outcome = matchRoute(router, request);
    assert.ok(outcome.kind === 'match' && outcome.rule.key === 'deep');
    return performance.now() - startedAt;
  });
  assert.ok(Math.min(...times) < 500, `took ${Math.min(...times)} ms`);
});
