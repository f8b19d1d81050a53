import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidatesMax, explainRoute, nearestRules } from './explain.ts';
import { emptyRouter, updateRouter } from './router.ts';
import type { Rule } from './rule.ts';
import type { RequestFields } from './testing/requests.ts';
import { requestOf, ruleOf } from './testing/requests.ts';

function explain(rules: Rule<string>[], path: string, fields?: RequestFields) {
  const router = updateRouter(emptyRouter<string>(), { remove: [], add: rules });
  return explainRoute(router, requestOf(path, { host: 'api.example.com', ...fields }));
}

const methods = ['GET', 'POST'];
const orders = { hosts: ['api.example.com'], path: { prefix: '/orders' }, methods };
const shop = [
  ruleOf('default/orders', orders),
  ruleOf('default/orders-canary', { ...orders, headers: [{ name: 'x-canary', exact: 'always' }] }),
  ruleOf('default/orders-canary', { ...orders, index: 1, cookies: [{ name: 'canary', exact: 'always' }] }),
  ruleOf('default/web', { hosts: ['www.example.com'] }),
  ruleOf('default/books', { hosts: ['books.example.com'] }),
  ruleOf('default/chat', { hosts: ['chat.example.com', 'a.io', 'b.io', 'c.io', 'd.io'] }),
];

test('candidates come in order: the chosen, those that lost to it, then the nearest others, with reasons', () => {
  const explanation = explain(shop, '/orders/7', { headers: { 'x-canary': 'always' } });
  assert.deepEqual(explanation.candidates, [
    { rule: shop[1], result: 'chosen' },
    { rule: shop[0], result: 'lost', to: 0, by: 'headers', detail: 'fewer header matches (0 against 1)' },
    { rule: shop[2], result: 'no', by: 'cookies', detail: 'cookie canary is absent' },
    { rule: shop[3], result: 'no', by: 'host', detail: 'host www.example.com' },
  ]);
  assert.equal(explanation.omitted, 2);
  assert.equal(explanation.omittedHosts, 2);
});

const losses: readonly [
  by: string,
  detail: string,
  winner: Partial<Rule<string>>,
  loser: Partial<Rule<string>>,
][] = [
  [
    'host',
    'less specific host (*.example.com against api.example.com)',
    { hosts: ['api.example.com'] },
    { hosts: ['*.example.com'] },
  ],
  ['host', 'less specific host (every host against *.com)', { hosts: ['*.com'] }, {}],
  [
    'path',
    'less specific path (prefix / against template /{x})',
    { path: { template: '/{x}' } },
    { path: { prefix: '/' } },
  ],
  ['method', 'lists no methods', { methods }, {}],
  ['query', 'fewer query matches (0 against 1)', { query: [{ name: 'q', exact: '1' }] }, {}],
  ['priority', 'lower priority (-1 against 0)', {}, { priority: -1 }],
  ['name', 'name comes after default/a', {}, {}],
  ['index', 'stands later in the same Route', { key: 'default/b' }, { index: 1 }],
];

for (const [by, detail, winner, loser] of losses) {
  test(`a rule loses by ${by}: ${detail}`, () => {
    const rules = [ruleOf('default/a', winner), ruleOf('default/b', loser)];
    assert.deepEqual(explain(rules, '/x', { query: 'q=1' }).candidates, [
      { rule: rules[0], result: 'chosen' },
      { rule: rules[1], result: 'lost', to: 0, by, detail },
    ]);
  });
}

const refusals: readonly [by: string, detail: string, fields: Partial<Rule<string>>][] = [
  ['host', 'host a.io, b.io, c.io and 1 more', { hosts: ['a.io', 'b.io', 'c.io', 'd.io'] }],
  ['path', 'path exact /y', { path: { exact: '/y' } }],
  ['path', 'path template /x/{y}', { path: { template: '/x/{y}' } }],
  ['path', 'path regex /z+', { path: { regex: '/z+' } }],
  ['method', 'methods PUT,POST', { methods: ['PUT', 'POST'] }],
  ['headers', 'header x-a is not 2', { headers: [{ name: 'X-A', exact: '2' }] }],
  ['headers', 'header x-a is present', { headers: [{ name: 'x-a', present: false }] }],
  ['headers', 'header x-b is absent', { headers: [{ name: 'x-b', present: true }] }],
  ['query', 'query parameter q does not begin with 2', { query: [{ name: 'q', prefix: '2' }] }],
  ['cookies', 'cookie c does not match [a-z]+', { cookies: [{ name: 'c', regex: '[a-z]+' }] }],
];

for (const [by, detail, fields] of refusals) {
  test(`a rule is out by ${by}: ${detail}`, () => {
    const rule = ruleOf('default/a', fields);
    const { candidates } = explain([rule], '/x', { query: 'q=1', headers: { 'x-a': '1', cookie: 'c=1' } });
    assert.deepEqual(candidates, [{ rule, result: 'no', by, detail }]);
  });
}

test('a preflight that announces a header is out where the header must be absent', () => {
  const headers = {
    origin: 'https://o',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'X-A',
  };
  const rule = ruleOf('default/a', { methods: ['GET'], headers: [{ name: 'x-a', present: false }] });
  assert.deepEqual(explain([rule], '/x', { method: 'OPTIONS', headers }).candidates, [
    { rule, result: 'no', by: 'headers', detail: 'header x-a is announced by the preflight' },
  ]);
});

test('no more than candidatesMax candidates are listed', () => {
  const many = Array.from({ length: candidatesMax + 5 }, (_, at) => ruleOf(`default/r${at}`));
  const atMost = explain(many.slice(0, candidatesMax), '/');
  assert.deepEqual([atMost.candidates.length, atMost.omitted], [candidatesMax, 0]);
  const over = explain(many, '/');
  assert.deepEqual([over.candidates.length, over.omitted, over.omittedHosts], [candidatesMax, 5, 0]);
});

test('the nearest rules of a refused method are those that miss by it alone', () => {
  const explanation = explain(shop, '/orders/7', { method: 'PUT', headers: { 'x-canary': 'always' } });
  assert.equal(explanation.outcome.kind, 'method_not_allowed');
  assert.deepEqual(
    nearestRules(explanation).map(({ rule, by, detail }) => [rule.key, by, detail]),
    [
      ['default/orders-canary', 'method', 'methods GET,POST'],
      ['default/orders', 'method', 'methods GET,POST'],
    ],
  );
});

test('the nearest rule of an unknown path or host is the one spelled most alike', () => {
  const unknownPath = nearestRules(explain(shop, '/order'));
  assert.equal(unknownPath[0]?.detail, 'path prefix /orders');
  const unknownHost = nearestRules(explain(shop, '/', { host: 'wwww.example.com' }));
  assert.equal(unknownHost[0]?.detail, 'host www.example.com');
});
