import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InlineRules, type InlineSchemas } from './inline-rules.ts';
import { requestParts, type Sent, told } from './testing/request-parts.ts';

function judged(schemas: InlineSchemas, sent: Sent): string[] {
  return told(new InlineRules(schemas), requestParts(sent), sent.body);
}

describe('inline schemas', () => {
  it('judge a query as an object of values', () => {
    const query = {
      required: ['page'],
      properties: {
        page: { type: 'integer', maximum: 10 },
        tag: { type: 'array', items: { type: 'integer' } },
        all: { type: 'boolean' },
        text: { type: 'string' },
      },
      additionalProperties: false,
    } as const;
    assert.deepEqual(judged({ query }, { query: 'page=3&tag=1&tag=2&all=true&text=7' }), []);
    assert.deepEqual(judged({ query }, { query: '&page=1&&tag=5&' }), []);
    assert.deepEqual(judged({ query }, { query: undefined }), ['query /page: is missing']);
    assert.deepEqual(judged({ query }, { query: 'page=11&tag=x&more=1' }).toSorted(), [
      'query /more: is not a known member',
      'query /page: must be <= 10',
      'query /tag/0: must be integer',
    ]);
    assert.deepEqual(judged({ query }, { query: 'page=1&page=2' }), ['query /page: must be integer']);
    assert.deepEqual(judged({ query }, { query: 'page=%zz' }), ['query : is not valid text in UTF-8']);
    assert.deepEqual(judged({ query }, { query: 'page=1&text=%ff' }), ['query : is not valid text in UTF-8']);
    assert.deepEqual(judged({ query }, { query: 'page=1&__proto__=1' }), [
      'query /__proto__: is not a known member',
    ]);
  });

  it('take no lookalike of a number for one', () => {
    const query = { properties: { n: { type: 'number' } } };
    for (const text of ['0x10', '1_0', '%201', '1e', 'Infinity', '01', '+1', '']) {
      assert.equal(judged({ query }, { query: `n=${text}` }).length, 1, text);
    }
    for (const text of ['0', '-1', '1.5', '1e3'])
      assert.deepEqual(judged({ query }, { query: `n=${text}` }), [], text);
  });

  it('read values by all that a schema combines, refers to and lists', () => {
    const query = {
      $defs: { count: { $anchor: 'count', type: 'integer', maximum: 3 }, level: { enum: [1, 2, 'x'] } },
      allOf: [{ properties: { n: { $ref: '#count' }, level: { $ref: '#/$defs/level' } } }],
      anyOf: [
        {
          properties: {
            either: {
              anyOf: [
                { type: 'integer', maximum: 3 },
                { pattern: '^0', type: 'string' },
              ],
            },
          },
        },
      ],
      properties: {
        one: {
          anyOf: [
            { type: 'string', minLength: 2 },
            { type: 'array', items: { type: 'integer' } },
          ],
        },
        least: { minimum: 5 },
        none: { type: ['string', 'null'], pattern: '^a' },
      },
      additionalProperties: { type: 'integer' },
    };
    const good = [
      'n=3',
      'level=2',
      'level=x',
      'either=2',
      'either=04',
      'one=ab',
      'one=1&one=2',
      'one=7',
      'least=5',
    ];
    // Named by parts alone, which additionalProperties does not see.
    const open = { ...query, additionalProperties: undefined, unevaluatedProperties: { type: 'integer' } };
    for (const text of [...good, 'free=1'])
      assert.deepEqual(judged({ query: open }, { query: text }), [], text);
    for (const text of ['n=4', 'level=3', 'either=5', 'one=a', 'least=4', 'none=null', 'free=x'])
      assert.notDeepEqual(judged({ query: open }, { query: text }), [], text);
    assert.notDeepEqual(judged({ query }, { query: 'free=x' }), []);
    const tree = { properties: { a: { $ref: '#' }, b: { type: 'integer' } } };
    assert.deepEqual(judged({ query: tree }, { query: 'b=1' }), []);
  });

  it('are none where texts cannot be read by them', () => {
    for (const headers of [{ patternProperties: { '^x-': { type: 'integer' } } }, { minProperties: 1 }])
      assert.throws(() => new InlineRules({ headers }), /by their names alone/);
    for (const $ref of ['#nowhere', '#/$defs/none', 'other.json'])
      assert.throws(() => new InlineRules({ query: { properties: { a: { $ref } } } }), /a reference/);
    assert.throws(() => new InlineRules({ body: { type: 'text' } }).check(), /must be/);
  });

  it('judge the headers that they name, and take no other spelling of them', () => {
    const headers = { properties: { 'x-role': { enum: ['user'] }, x_old: { type: 'integer' } } };
    assert.deepEqual(judged({ headers }, { headers: { 'x-role': 'user', x_old: '1', a_b: '1' } }), []);
    assert.deepEqual(judged({ headers }, { headers: { 'x-role': 'user', x_role: 'admin' } }), [
      'header x_role : could be taken for x-role',
    ]);
    assert.deepEqual(judged({ headers }, { headers: { 'x-old': '1' } }), [
      'header x-old : could be taken for x_old',
    ]);
  });

  it('judge the headers that they name', () => {
    const headers = {
      required: ['X-Tenant'],
      properties: { 'X-Tenant': { pattern: '^[a-z]+$' }, 'x-count': { type: 'integer' } },
    };
    assert.deepEqual(judged({ headers }, { headers: { 'x-tenant': 'abc', 'x-count': '3', other: '1' } }), []);
    assert.deepEqual(judged({ headers }, { headers: { 'x-tenant': 'A1', 'x-count': 'many' } }).toSorted(), [
      'header /X-Tenant: must match pattern "^[a-z]+$"',
      'header /x-count: must be integer',
    ]);
    assert.deepEqual(judged({ headers }, {}), ['header /X-Tenant: is missing']);
    assert.deepEqual(judged({ headers }, { headers: { 'x-tenant': 'a\xff' } }), [
      'header X-Tenant : is not text in UTF-8',
    ]);
  });

  it('judge a body in JSON, that other readers cannot read differently', () => {
    const body = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
    assert.deepEqual(judged({ body }, { method: 'POST', body: '{"id":"a"}' }), []);
    assert.deepEqual(judged({ body }, { method: 'POST', body: '{"id":1}' }), ['body /id: must be string']);
    assert.deepEqual(judged({ body }, { method: 'POST', body: '{"id":' }), ['body : is not JSON']);
    assert.deepEqual(judged({ body }, { method: 'POST', body: '{"id":"a","\\u0069d":1}' }), [
      'body : has a key twice in one object',
    ]);
    assert.deepEqual(judged({ body }, { method: 'POST', body: Buffer.from([0x22, 0xff, 0x22]) }), [
      'body : is not text in UTF-8',
    ]);
    assert.deepEqual(judged({ body }, { method: 'POST', body: '\ufeff{"id":"a"}' }), ['body : is not JSON']);
    const big = { body: { format: 'int64' } };
    for (const text of ['9223372036854775807', '-9223372036854775808', '9007199254740993'])
      assert.deepEqual(judged(big, { method: 'POST', body: text }), [], text);
    for (const text of [
      '9223372036854775808',
      '9223372036854775809',
      '-9223372036854775809',
      '9.223372036854775809e18',
    ])
      assert.equal(judged(big, { method: 'POST', body: text }).length, 1, text);
    assert.deepEqual(judged({ body }, { method: 'POST' }), ['body : is missing']);
    assert.deepEqual(judged({ body }, { method: 'GET' }), []);
  });
});
