import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findingsMax, jsonSchema, type Schema } from './json-schema.ts';
import { SchemaFault } from './schema-fault.ts';

function findings(schema: Schema, value: unknown, bytes = 100): string[] {
  return jsonSchema(schema)
    .judge(value, bytes)
    .map(({ pointer, detail }) => `${pointer}: ${detail}`);
}

/** Pointer and message of the fault. */
function faultOf(schema: Schema): string | undefined {
  try {
    jsonSchema(schema).check();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SchemaFault, String(error));
    return `${error.pointer}: ${error.message}`;
  }
}

describe('a JSON Schema', () => {
  it('tells every fault of a value with its place, and no value', () => {
    const schema: Schema = {
      type: 'object',
      required: ['id', 'a/b'],
      additionalProperties: false,
      properties: {
        id: { type: 'integer', minimum: 1 },
        'a/b': {},
        list: { type: 'array', items: { enum: ['x'] } },
      },
    };
    assert.deepEqual(findings(schema, { id: 1, 'a/b': 0, list: ['x'] }), []);
    const found = findings(schema, { id: 'secret-1', list: ['x', 'secret-2'], extra: 'secret-3' });
    assert.deepEqual(found.toSorted(), [
      '/a~1b: is missing',
      '/extra: is not a known member',
      '/id: must be integer',
      '/list/1: must be equal to one of the allowed values',
    ]);
  });

  it('tells so many faults, and of a large value the first', () => {
    const schema: Schema = { type: 'array', items: { type: 'string' } };
    const wrong = Array.from({ length: 100 }, (_, index) => index);
    assert.equal(findings(schema, wrong).length, findingsMax);
    assert.equal(findings(schema, wrong, 1_000_000).length, 1);
  });

  it('knows references into itself, to all of itself, and of its own names', () => {
    const tree: Schema = {
      $defs: { name: { type: 'string', maxLength: 3 } },
      properties: { name: { $ref: '#/$defs/name' }, children: { type: 'array', items: { $ref: '#' } } },
    };
    assert.deepEqual(findings(tree, { children: [{ name: 'abc' }] }), []);
    assert.deepEqual(findings(tree, { children: [{ children: [{ name: 'abcd' }] }] }), [
      '/children/0/children/0/name: must NOT have more than 3 characters',
    ]);
    assert.deepEqual(
      findings(
        {
          $id: 'https://a.test/s',
          items: { $ref: 'https://a.test/s#/$defs/n' },
          $defs: { n: { type: 'null' } },
        },
        [1],
      ),
      ['/0: must be null'],
    );
  });

  it('knows the members that references speak of, whichever alternative leads to them', () => {
    const schema: Schema = {
      $defs: {
        Base: { properties: { a: { type: 'integer' }, kids: { items: { $ref: '#' } } } },
        Either: { anyOf: [{ $ref: '#/$defs/Base' }, { properties: { z: {} }, required: ['z'] }] },
      },
      allOf: [{ $ref: '#/$defs/Either' }],
      unevaluatedProperties: false,
    };
    for (const good of [{ a: 1 }, { z: 1 }, { kids: [{ a: 1 }, { z: 1 }], a: 1 }])
      assert.deepEqual(findings(schema, good), []);
    assert.deepEqual(findings(schema, { a: 1, c: 1 }), ['/c: is not a known member']);
    assert.ok(findings(schema, { kids: [{ q: 1 }] }).includes('/kids/0/q: is not a known member'));
  });

  it('takes no pattern that could hold a worker, and judges long texts by others at once', () => {
    assert.match(faultOf({ pattern: '(?=a)b' }) ?? '', /pattern|invalid|perl/i);
    assert.match(faultOf({ pattern: '(a)\\1' }) ?? '', /invalid escape/i);
    assert.deepEqual(findings({ pattern: '^(a+)+$' }, `${'a'.repeat(200_000)}b`), [
      ': must match pattern "^(a+)+$"',
    ]);
  });

  it('gives up on texts that are too long for their pattern', () => {
    const text = 'a'.repeat(1_000_000);
    assert.deepEqual(findings({ pattern: '[a-z]{60}[0-9]' }, text, text.length), [
      ': must match pattern "[a-z]{60}[0-9]"',
    ]);
    const large: Schema = { items: { pattern: '([a-z]{30}){10}[0-9]' } };
    assert.deepEqual(findings(large, [text], text.length), [': would take too long to be judged']);
    const parts = Array.from({ length: 2500 }, () => `${text.slice(0, 400)}1`);
    assert.deepEqual(findings(large, parts, text.length), [': would take too long to be judged']);
    assert.deepEqual(findings(large, parts.slice(0, 100), 40_000), []);
  });

  it('looks allowed values up, however many there are', () => {
    const texts = Array.from({ length: 2000 }, (_, index) => `zone-${index}`);
    const schema: Schema = { items: { enum: [...texts, 7, null, { a: [1] }] } };
    const list = Array.from({ length: 50_000 }, () => 'zone-1999');
    assert.deepEqual(findings(schema, [...list, 7, null, { a: [1] }], 600_000), []);
    for (const wrong of ['zone', '7', { a: [2] }, undefined, [], false])
      assert.deepEqual(findings(schema, [wrong]), ['/0: must be equal to one of the allowed values']);
    const objects: Schema = { items: { enum: Array.from({ length: 2000 }, (_, index) => ({ index })) } };
    const last = Array.from({ length: 10_000 }, () => ({ index: 1999 }));
    assert.deepEqual(findings(objects, last, 160_000), [': would take too long to be judged']);
  });

  it('compares lists within lists once each', () => {
    const schema: Schema = { uniqueItems: true, items: { $ref: '#' } };
    let nested: unknown = Array.from({ length: 50_000 }, (_, index) => index);
    for (let depth = 0; depth < 1000; depth += 1) nested = [nested, depth];
    assert.deepEqual(findings(schema, nested, 400_000), []);
    assert.deepEqual(findings(schema, [[{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }]]), [
      '/0: must not hold the same entry twice',
    ]);
    assert.deepEqual(
      findings(schema, [
        [[1], [[1]]],
        [['1'], [1, 1]],
      ]),
      ['/1/1: must not hold the same entry twice'],
    );
  });

  it('takes a multiple for what it is in decimals', () => {
    const good = [
      [4.35, 0.01],
      [0.3, 0.1],
      [1e300, 0.01],
      [-1.1, 0.1],
      [0, 0.7],
      [2 ** 53, 1],
      [1e-7, 1e-7],
    ];
    const bad = [
      [1e-10, 1],
      [4.355, 0.01],
      [7, 2],
      [1e21, 7],
      [Infinity, 2],
      [2.0000000001, 2],
    ];
    for (const [value, multipleOf] of good)
      assert.deepEqual(findings({ multipleOf }, value), [], String(value));
    for (const [value, multipleOf] of bad)
      assert.deepEqual(
        findings({ multipleOf }, value),
        [`: must be multiple of ${multipleOf}`],
        String(value),
      );
  });

  it('compares the entries of long lists at once', () => {
    const schema: Schema = { uniqueItems: true };
    const entries = Array.from({ length: 50_000 }, (_, index) => ({ a: index, b: [index] }));
    assert.deepEqual(findings(schema, entries), []);
    assert.deepEqual(findings(schema, [...entries, { b: [7], a: 7 }]), [
      ': must not hold the same entry twice',
    ]);
    assert.deepEqual(findings(schema, [1, '1', true, null, [], {}, -0]), []);
    assert.equal(findings(schema, [0, -0]).length, 1);
  });

  it('answers for values that are nested without end', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    assert.deepEqual(findings({ items: { $ref: '#' } }, deep), [': is nested too deeply']);
  });

  it('gives up where alternatives multiply', () => {
    const either = (op: string): Schema => ({
      type: 'object',
      required: ['arg', 'op'],
      allOf: [{ properties: { arg: { $ref: '#' } } }],
      properties: { op: { const: op } },
    });
    const schema: Schema = { oneOf: [{ type: 'string' }, either('not'), either('exists')] };
    const nested = (depth: number, leaf: unknown): unknown =>
      depth === 0 ? leaf : { arg: nested(depth - 1, leaf), op: 'exists' };
    assert.deepEqual(findings(schema, nested(5, 'x')), []);
    for (const leaf of ['x', 1])
      assert.deepEqual(findings(schema, nested(40, leaf)), [': would take too long to be judged']);
    assert.equal(findings(schema, nested(5, 1)).length, findingsMax);
    const list = Array.from({ length: 50_000 }, () => 1);
    assert.deepEqual(
      findings({ items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'integer' } } }, list, 100_000),
      [],
    );
  });

  it('gives up on faults without end, also of alternatives that come to nothing', () => {
    const kinds = Array.from({ length: 250 }, (_, index) => ({
      type: 'object',
      required: ['kind', 'id'],
      properties: { kind: { const: `k${index}` } },
    }));
    const schema: Schema = { type: 'array', items: { anyOf: kinds } };
    const list = (length: number, kind: string) => Array.from({ length }, () => ({ kind, id: 1 }));
    assert.deepEqual(findings(schema, list(300, 'k249'), 8000), []);
    assert.deepEqual(findings(schema, list(3000, 'k249'), 65_000), [': would take too long to be judged']);
    const wrong = Array.from({ length: 21_800 }, () => ({}));
    assert.ok(findings(schema, wrong, 65_536).every((line) => line.startsWith('/0')));
  });

  it('runs nothing that a schema holds as code', () => {
    const code = '*/globalThis.stray=1;/*';
    const schema: Schema = {
      $id: code,
      properties: { 'for(;;){': { const: 'errors++;' }, a: { enum: [code] } },
    };
    assert.deepEqual(findings(schema, { 'for(;;){': 'errors++;', a: code }), []);
    assert.equal(Reflect.get(globalThis, 'stray'), undefined);
  });

  it('judges first what tells alternatives apart', () => {
    const either = (op: string): Schema => ({
      type: 'object',
      required: ['arg', 'op'],
      properties: { arg: { $ref: '#' }, op: { $ref: `#/$defs/${op}` } },
    });
    const $defs = { not: { const: 'not' }, exists: { enum: ['exists'] } };
    const schema: Schema = { $defs, oneOf: [{ type: 'string' }, either('not'), either('exists')] };
    let nested: unknown = 'x';
    for (let depth = 0; depth < 500; depth += 1)
      nested = { arg: nested, op: depth % 2 === 0 ? 'not' : 'exists' };
    assert.deepEqual(findings(schema, nested), []);
  });

  it('takes no member of every object for one of the value', () => {
    const schema: Schema = { required: ['toString'], properties: { constructor: { type: 'string' } } };
    assert.deepEqual(findings(schema, {}), ['/toString: is missing']);
    assert.deepEqual(findings({ properties: { constructor: { type: 'string' } } }, { driver: 'x' }), []);
  });

  it('checks formats, and no more than it knows', () => {
    const good: Record<string, unknown> = {
      date: '2024-02-29',
      'date-time': '2024-02-29T23:59:60.5+01:00',
      time: '00:00:00Z',
      duration: 'P1DT2H',
      email: 'a.b+c@example.com',
      hostname: 'a-b.example',
      ipv4: '192.0.2.1',
      ipv6: '2001:db8::1',
      uri: 'https://example.com/a?b#c',
      uuid: '01234567-89ab-CDEF-0123-456789abcdef',
      'json-pointer': '/a~1b/0',
      regex: '^a{2}$',
      byte: 'YQ==',
      int32: -2147483648,
      int64: 9007199254740991,
      password: 'anything',
    };
    const bad: Record<string, unknown> = {
      date: '2023-02-29',
      'date-time': '2024-02-29',
      time: '24:00:00Z',
      duration: 'P',
      email: 'a@b@c',
      hostname: '-a.example',
      ipv4: '192.0.2.256',
      ipv6: 'fe80::1%eth0',
      uri: '/relative',
      uuid: '0123',
      'json-pointer': 'a',
      regex: '(',
      byte: 'YQ=',
      int32: 2147483648,
      int64: 1.5,
    };
    for (const [format, value] of Object.entries(good))
      assert.deepEqual(findings({ format }, value), [], format);
    for (const [format, value] of Object.entries(bad))
      assert.equal(findings({ format }, value).length, 1, format);
  });

  it('says where a schema is none', () => {
    assert.equal(faultOf({ type: 'object', properties: { a: { type: 'string' } } }), undefined);
    assert.equal(faultOf(true), undefined);
    assert.match(faultOf({ properties: { a: { type: 'strin' } } }) ?? '', /^\/properties\/a\/type: must be/);
    assert.match(faultOf({ items: { required: [1] } }) ?? '', /^\/items\/required\/0: must be string/);
    assert.match(faultOf({ $schema: 'http://json-schema.org/draft-07/schema#' }) ?? '', /draft-07/);
    assert.match(faultOf({ $ref: '#/$defs/none' }) ?? '', /a reference (to nothing|out of the document)/);
    assert.match(
      faultOf({ $ref: 'https://example.com/other' }) ?? '',
      /a reference (to nothing|out of the document)/,
    );
  });
});
