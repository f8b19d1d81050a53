import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchSignature } from './match-signature.ts';
import type { Rule } from './rule.ts';
import { ruleOf } from './testing/requests.ts';

type Fields = Partial<Rule<string>>;
const signatureOf = (fields: Fields) => matchSignature(ruleOf('default/a', fields), undefined);

const same: readonly [string, Fields, Fields][] = [
  ['a trailing slash of a prefix', { path: { prefix: '/a/' } }, { path: { prefix: '/a' } }],
  ['names of parameters', { path: { template: '/a/{x}' } }, { path: { template: '/a/{y}' } }],
  ['a template without parameters', { path: { template: '/a' } }, { path: { exact: '/a' } }],
  ['the rest of the root', { path: { template: '/{rest...}' } }, { path: { prefix: '/' } }],
  ['the spelling of escapes', { path: { exact: '/%7ea' } }, { path: { exact: '/~a' } }],
  ['order and repetition of methods', { methods: ['B', 'A'] }, { methods: ['A', 'B', 'A'] }],
  ['case of a header', { headers: [{ name: 'X', exact: '1' }] }, { headers: [{ name: 'x', exact: '1' }] }],
  ['priority, name and index', { priority: 1, key: 'default/b', index: 2 }, {}],
];

for (const [what, one, other] of same) {
  test(`a signature does not depend on ${what}`, () => assert.equal(signatureOf(one), signatureOf(other)));
}

const different: readonly [string, Fields, Fields][] = [
  ['prefix and exact', { path: { prefix: '/a' } }, { path: { exact: '/a' } }],
  ['prefix and rest below the root', { path: { prefix: '/a' } }, { path: { template: '/a/{r...}' } }],
  ['trailing slash of an exact path', { path: { exact: '/a/' } }, { path: { exact: '/a' } }],
  ['some and all methods', { methods: ['GET'] }, {}],
  ['header and cookie', { headers: [{ name: 'x', exact: '1' }] }, { cookies: [{ name: 'x', exact: '1' }] }],
  ['case of a cookie', { cookies: [{ name: 'X', exact: '1' }] }, { cookies: [{ name: 'x', exact: '1' }] }],
  ['kind of test', { query: [{ name: 'x', exact: '1' }] }, { query: [{ name: 'x', prefix: '1' }] }],
  ['paths that do not parse', { path: { regex: '(' } }, { path: { regex: '((' } }],
];

for (const [what, one, other] of different) {
  test(`a signature tells apart ${what}`, () => assert.notEqual(signatureOf(one), signatureOf(other)));
}

test('a signature is for one host', () => {
  const rule = ruleOf('default/a');
  assert.notEqual(matchSignature(rule, 'a.io'), matchSignature(rule, 'b.io'));
  assert.notEqual(matchSignature(rule, 'null'), matchSignature(rule, undefined));
});
