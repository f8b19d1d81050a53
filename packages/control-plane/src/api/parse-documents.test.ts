import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from './api-error.ts';
import { checkSize, parseBody, parseObject } from './parse-documents.ts';

const yaml = 'application/yaml';
const json = 'application/json';

const refusedWith = (status: number, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.status, status);
  assert.match(error.message, words);
  return true;
};

describe('parseBody of YAML', () => {
  it('gives every document that is not empty, in order', async () => {
    const text = '# comment\n---\na: 1\n---\n\n---\n# nothing\n---\nb: [2]\n...\n---\nc: "---"\n';
    assert.deepEqual(await parseBody(text, yaml), [{ a: 1 }, { b: [2] }, { c: '---' }]);
    assert.deepEqual(await parseBody('', yaml), []);
    assert.deepEqual(await parseBody('%YAML 1.2\n---\na: 1\n', yaml), [{ a: 1 }]);
    assert.deepEqual(await parseBody('a: 1\r\n---\r\nb: 2\r\n', yaml), [{ a: 1 }, { b: 2 }]);
  });

  it('reads YAML 1.2: yes, on and 012 are what they look like', async () => {
    assert.deepEqual(await parseBody('{a: yes, on: off, c: 012, d: 2026-01-01, e: ~, f: 0o17}', yaml), [
      { a: 'yes', on: 'off', c: 12, d: '2026-01-01', e: null, f: 15 },
    ]);
  });

  it('takes aliases within measure', async () => {
    assert.deepEqual(await parseBody('a: &x {b: 1}\nc: [*x, *x]', yaml), [
      { a: { b: 1 }, c: [{ b: 1 }, { b: 1 }] },
    ]);
  });

  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
    .concat(
      'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(10).fill(`*${'abcdefghi'[i]}`).join(',')}]`),
    )
    .join('\n');
  const bad: [string, string, RegExp][] = [
    ['a billion laughs', bomb, /aliases make it more than 10 times larger/],
    [
      'aliases of one large value',
      `a: &a ${'x'.repeat(5000)}\nb: [${Array(60).fill('*a').join(',')}]`,
      /10 times/,
    ],
    ['an anchor that contains itself', 'a: &a [*a]', /nested deeper/],
    ['a repeated key', 'a: 1\nb: {c: 1, c: 2}', /document 0.*line 2, column 11: the key "c"/],
    ['a repeated key in two spellings', '1: a\n"1": b', /line 2, column 1: the key "1"/],
    ['a key that is a mapping', '? {a: b}\n: c', /a key that is not a plain value/],
    ['bad indentation', 'a: 1\n---\nb:\n\t- c', /document 1 is not YAML: line 4, column 1/],
    ['an open quote', 'a: "hunter2', /document 0 is not YAML: line 1/],
    ['an unknown tag', 'a: !hunter2 b', /a tag that is not known; .*quotes/],
    ['a binary tag', 'a: !!binary aGk=', /a tag that is not known/],
    ['an alias without anchor', 'password: *hunter2', /an alias without an anchor; .*quotes/],
    ['an invalid escape', 'a: "\\hunter2"', /line 1, column 5: an invalid escape sequence/],
    ['text after a value', "a: 'x' hunter2", /line 1, column 8/],
    ['a list', '- a\n- b', /document 0 is not a mapping/],
    ['a word', 'hunter2', /document 0 is not a mapping/],
    ['deep nesting', `a: ${'['.repeat(150)}${']'.repeat(150)}`, /nested deeper than 100/],
    ['very deep nesting', `a: ${'['.repeat(100_000)}`, /nested deeper than 100/],
  ];
  for (const [what, text, words] of bad)
    it(`answers 400 to ${what}, and does not quote it`, async () => {
      await assert.rejects(parseBody(text, yaml), (error: unknown) => {
        refusedWith(400, words)(error);
        assert.doesNotMatch((error as Error).message, /hunter2/);
        return true;
      });
    });

  it('answers 413 to a document that is too large, and to too many tokens', async () => {
    await assert.rejects(
      parseBody(`a: ${'x'.repeat(1024 * 1024)}`, yaml),
      refusedWith(413, /document 0.*JSON/),
    );
    await assert.rejects(parseBody(`a: [${'1,'.repeat(400_000)}]`, yaml), refusedWith(413, /tokens/));
  });

  it('reads a large mapping in time that does not grow with the square of its keys', async () => {
    const text = Array.from({ length: 30_000 }, (_, index) => `key${index}: value`).join('\n');
    const startedMs = performance.now();
    const [value] = await parseBody(text, yaml);
    assert.equal(Object.keys(value as object).length, 30_000);
    // About 0.5 s; comparing each key with each other one took 13 s.
    assert.ok(performance.now() - startedMs < 15_000);
  });

  it('lets others have a turn between documents', async () => {
    let turns = 0;
    const interval = setInterval(() => (turns += 1), 0);
    await parseBody(Array(300).fill('a: 1').join('\n---\n'), yaml);
    clearInterval(interval);
    assert.ok(turns > 5, `${turns} turns`);
  });
});

describe('parseBody of JSON', () => {
  it('gives the one value', async () => {
    assert.deepEqual(await parseBody('{"a":[1,{"b":null}]}', json), [{ a: [1, { b: null }] }]);
  });

  const bad: [string, string, RegExp][] = [
    ['a bare word', '{"password": hunter2}', /not JSON from line 1, column 14/],
    ['a comma too many', '{\n  "a": "hunter2",\n}', /not JSON from line 3, column 1/],
    ['nothing', '', /not JSON from line 1, column 1/],
    ['a repeated key', '{"a":1,"b":{"c":1,"c":"hunter2"}}', /the key "c" stands twice/],
  ];
  for (const [what, text, words] of bad)
    it(`answers 400 to ${what}, and does not quote it`, async () => {
      await assert.rejects(parseBody(text, json), (error: unknown) => {
        refusedWith(400, words)(error);
        assert.doesNotMatch((error as Error).message, /hunter2/);
        return true;
      });
    });
});

describe('parseObject', () => {
  it('takes one document only', async () => {
    assert.deepEqual(await parseObject('a: 1\n', yaml), { a: 1 });
    await assert.rejects(parseObject('a: 1\n---\nb: 1', yaml), refusedWith(400, /2 documents.*\/apply/));
    await assert.rejects(parseObject('', yaml), refusedWith(400, /0 documents/));
  });

  it('refuses nesting that no object has', async () => {
    await assert.rejects(
      parseObject(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, json),
      refusedWith(400, /nested deeper/),
    );
  });
});

describe('checkSize', () => {
  it('takes an object of a mebibyte and none larger', () => {
    const empty = JSON.stringify({ a: '' }).length;
    checkSize({ a: 'x'.repeat(1024 * 1024 - empty) }, 'it');
    assert.throws(
      () => checkSize({ a: 'x'.repeat(1024 * 1024 - empty + 1) }, 'it'),
      refusedWith(413, /^it is larger than 1048576 bytes/),
    );
  });
});
