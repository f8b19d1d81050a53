// Random rules and requests from so small a vocabulary that they meet often.

import * as fc from 'fast-check';
import type { RouteRequest } from '../request-view.ts';
import type { Rule, ValuePredicate } from '../rule.ts';
import { requestOf, ruleOf } from './requests.ts';

const host = fc.constantFrom('a.b.c', 'b.c', 'x.a.b.c', 'c', '__proto__');
const hostPattern = fc.oneof(host, fc.constantFrom('*.b.c', '*.c', '*.a.b.c'));
const word = fc.constantFrom('a', 'b', '__proto__');
const method = fc.constantFrom('GET', 'POST', 'OPTIONS');
const value = fc.constantFrom('1', '2', '12');
const name = fc.constantFrom('x', 'y', '__proto__');

const texts = fc.array(word, { maxLength: 4 });
const trailing = fc.constantFrom('', '', '/');
const path = fc
  .tuple(texts, trailing)
  .map(([words, end]) => `/${words.join('/')}${words.length === 0 ? '' : end}`);

const template = fc
  .tuple(
    fc.array(fc.tuple(word, fc.boolean()), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '/', '/{r...}'),
  )
  .map(
    ([pieces, end]) =>
      `/${pieces.map(([text, isParam], at) => (isParam ? `{p${at}}` : text)).join('/')}${end}`,
  );

const pathMatch = fc.oneof(
  path.map((exact) => ({ exact })),
  path.map((prefix) => ({ prefix })),
  template.map((text) => ({ template: text })),
  fc.constantFrom('/', '/{r...}').map((text) => ({ template: text })),
  fc.constantFrom('/a.*', '/[ab]/b', '.*', '/a|/a/b').map((regex) => ({ regex })),
);

const predicate: fc.Arbitrary<ValuePredicate> = fc.oneof(
  fc.record({ name, exact: value }),
  fc.record({ name, prefix: fc.constantFrom('1', '2', '') }),
  fc.record({ name, regex: fc.constantFrom('1|12', '.*2', '[0-9]') }),
  fc.record({ name, present: fc.boolean() }),
);
const predicates = fc.oneof(
  { weight: 2, arbitrary: fc.constant<ValuePredicate[]>([]) },
  { weight: 1, arbitrary: fc.array(predicate, { maxLength: 2 }) },
);

const ruleFields = fc.record({
  hosts: fc.array(hostPattern, { maxLength: 2 }),
  path: pathMatch,
  methods: fc.uniqueArray(method, { maxLength: 2 }),
  headers: predicates,
  query: predicates,
  cookies: predicates,
  priority: fc.constantFrom(0, 0, 1, -1),
  allowEncoded: fc.constantFrom(0, 1),
});

/** Rules of up to six Routes; no index twice in a Route. */
export const rulesArbitrary: fc.Arbitrary<Rule<string>[]> = fc
  .uniqueArray(fc.tuple(fc.nat(5), fc.nat(5), ruleFields), {
    maxLength: 24,
    selector: ([key, index]) => key * 6 + index,
  })
  .map((entries) => entries.map(([key, index, fields]) => ruleOf(`default/r${key}`, { index, ...fields })));

const pairs = fc.array(fc.tuple(name, value), { maxLength: 3 });
const preflightHeaders = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      origin: fc.constant('https://o'),
      'access-control-request-method': method,
      'access-control-request-headers': fc.constantFrom('x', 'x, y'),
    },
    { requiredKeys: [] },
  ),
);

export const requestArbitrary: fc.Arbitrary<RouteRequest> = fc
  .record({
    method,
    host,
    path,
    query: pairs,
    cookies: pairs,
    headers: pairs,
    preflightHeaders,
    encoded: fc.nat(1),
  })
  .map(({ path: text, query, cookies, headers, preflightHeaders: more, ...rest }) =>
    requestOf(text, {
      ...rest,
      query: query.map((pair) => pair.join('=')).join('&'),
      headers: {
        ...Object.fromEntries(headers),
        ...more,
        ...(cookies.length > 0 && { cookie: cookies.map((pair) => pair.join('=')).join('; ') }),
      },
    }),
  );
