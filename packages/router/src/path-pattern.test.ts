import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePathMatch, parseTemplate, pathSegmentsMax } from './path-pattern.ts';
import { parseRegex, regexLengthMax, regexProgramMax } from './regex.ts';

test('a template is literals, parameters and a rest', () => {
  const result = parseTemplate('/users/{id}/files/{path...}');
  assert.ok(result.ok);
  assert.deepEqual(result.value.segments, [
    { kind: 'literal', text: 'users' },
    { kind: 'param', name: 'id' },
    { kind: 'literal', text: 'files' },
  ]);
  assert.equal(result.value.end, 'rest');
  assert.equal(result.value.restName, 'path');
  assert.equal(result.value.rank, '1abad');
});

const badTemplates: readonly [template: string, reason: RegExp][] = [
  ['', /begin with/],
  ['users/{id}', /begin with/],
  ['{rest...}', /begin with/],
  ['/a/{x...}/b', /must be the last/],
  ['/a/{x...}/', /must be the last/],
  ['/a/x{y}', /whole segment/],
  ['/a/{y}x', /whole segment/],
  ['/a/x{y...}', /whole segment/],
  ['/a/{', /whole segment/],
  ['/a/}', /whole segment/],
  ['/a/{{x}}', /whole segment/],
  ['/a/{}', /no parameter/],
  ['/a/{...}', /no parameter/],
  ['/a/{1a}', /no parameter/],
  ['/a/{a b}', /no parameter/],
  ['/{id}/b/{id}', /unique/],
  ['/{id}/b/{id...}', /unique/],
  ['/a/../{x}', /dot segment/],
  ['/a/%2e/{x}', /dot segment/],
  ['/a?b={x}', /whole segment/],
  ['/a b/{x}', /0x20/],
];

for (const [template, reason] of badTemplates) {
  test(`the template "${template}" is refused`, () => {
    const result = parseTemplate(template);
    assert.ok(!result.ok);
    assert.match(result.detail, reason);
  });
}

test('literals are brought to the spelling that requests have', () => {
  const exact = parsePathMatch({ exact: '/%7euser/caf%c3%a9' });
  assert.ok(exact.ok && exact.value.kind === 'exact');
  assert.equal(exact.value.path, '/~user/caf%C3%A9');
});

test('braces, queries and dot segments in exact and prefix are refused', () => {
  for (const text of ['/a/{id}', '/a?b', '/a/./b', '/a/..', 'a']) {
    assert.equal(parsePathMatch({ exact: text }).ok, false, text);
    assert.equal(parsePathMatch({ prefix: text }).ok, false, text);
  }
});

test('a path has at most pathSegmentsMax segments', () => {
  assert.equal(parseTemplate('/a'.repeat(pathSegmentsMax - 1)).ok, true);
  assert.equal(parseTemplate('/a'.repeat(pathSegmentsMax)).ok, true);
  assert.equal(parseTemplate('/a'.repeat(pathSegmentsMax + 1)).ok, false);
});

test('patterns are RE2, anchored at both ends, and bounded', () => {
  for (const pattern of ['(a', '(a)\\1', '(?=a)', '(?<=a)b'])
    assert.equal(parseRegex(pattern).ok, false, pattern);
  const either = parseRegex('a|ab');
  assert.ok(either.ok);
  assert.deepEqual(
    ['a', 'ab', 'abc', 'xa'].map((text) => either.value.testExact(text)),
    [true, true, false, false],
  );
  assert.equal(parseRegex('a?'.repeat(regexLengthMax / 2 + 1)).ok, false);
  const large = parseRegex('(a{0,100}){0,9}');
  assert.ok(!large.ok);
  assert.match(large.detail, new RegExp(`over ${regexProgramMax}`));
});
