import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';
import { SchemaFault } from '../schema-fault.ts';
import { requestParts, type Sent, told } from '../testing/request-parts.ts';
import { OpenApi } from './open-api.ts';

/** A document with these paths, checked. */
function openApi(paths: object, more: object = {}): OpenApi {
  const rules = new OpenApi({ openapi: '3.1.0', paths, ...more });
  runAtOnce(rules.check());
  return rules;
}

function judged(rules: OpenApi, sent: Sent): string[] {
  return told(rules, requestParts(sent), sent.body);
}

function faultOf(document: unknown): string {
  try {
    runAtOnce(new OpenApi(document).check());
  } catch (error) {
    assert.ok(error instanceof SchemaFault, String(error));
    return `${error.pointer}: ${error.message}`;
  }
  return '';
}

describe('an OpenAPI document', () => {
  it('finds the operation of a request: literal paths before templates, within the base of its servers', () => {
    const rules = openApi(
      {
        '/orders/{id}': { get: parameter('id', 'path', { type: 'integer' }), delete: {} },
        '/orders/latest': { get: {} },
        '/files/{name}.{ext}': { get: parameter('ext', 'path', { enum: ['txt'] }) },
      },
      { servers: [{ url: 'https://a.test/{v}/', variables: { v: { default: 'v1' } } }, { url: '/' }] },
    );
    assert.deepEqual(judged(rules, { path: '/v1/orders/7' }), []);
    assert.deepEqual(judged(rules, { path: '/orders/7' }), []);
    assert.deepEqual(judged(rules, { path: '/orders/latest' }), []);
    assert.deepEqual(judged(rules, { path: '/orders/x' }), ['path id : must be integer']);
    assert.deepEqual(judged(rules, { path: '/files/a.b.txt' }), []);
    assert.deepEqual(judged(rules, { path: '/files/a.exe' }), [
      'path ext : must be equal to one of the allowed values',
    ]);
    assert.deepEqual(judged(rules, { method: 'HEAD', path: '/orders/x' }), ['path id : must be integer']);
    assert.deepEqual(judged(rules, { method: 'PUT', path: '/orders/7' }), [
      'path : is one that the document has no such method for',
    ]);
    assert.deepEqual(judged(rules, { path: '/order/7' }), ['path : is none of the document']);
    assert.deepEqual(judged(rules, { path: '/v1' }), ['path : is none of the document']);
    assert.deepEqual(judged(rules, { path: '/v10/orders/7' }), ['path : is none of the document']);
  });

  it('reads parameters in every place and style', () => {
    const integers = { type: 'array', items: { type: 'integer' } };
    const point = {
      type: 'object',
      required: ['x'],
      properties: { x: { type: 'integer' }, y: { type: 'integer' } },
    };
    const rules = openApi({
      '/p/{list}': {
        parameters: [{ name: 'list', in: 'path', required: true, schema: integers }],
        get: {
          parameters: [
            { name: 'many', in: 'query', schema: integers },
            { name: 'comma', in: 'query', explode: false, schema: integers },
            { name: 'pipe', in: 'query', style: 'pipeDelimited', schema: integers },
            { name: 'at', in: 'query', style: 'deepObject', schema: point },
            { name: 'flag', in: 'query', schema: { type: 'boolean' } },
            { name: 'json', in: 'query', content: { 'application/json': { schema: point } } },
            { name: 'X-Ids', in: 'header', schema: integers },
            { name: 'session', in: 'cookie', required: true, schema: { type: 'string', minLength: 3 } },
            { name: 'Authorization', in: 'header', required: true, schema: {} },
          ],
        },
      },
    });
    const good = {
      path: '/p/1,2',
      query: 'many=1&many=2&comma=1,2&pipe=1%7C2&at%5Bx%5D=1&flag=true&json=%7B%22x%22%3A1%7D&other=1',
      headers: { 'x-ids': '1, 2', cookie: 'a=b; session="abc"' },
    };
    assert.deepEqual(judged(rules, good), []);
    const bad = {
      path: '/p/1,b',
      query: 'many=a&comma=1,b&pipe=a&at[y]=1&flag=yes&json=%7B%7D',
      headers: { 'x-ids': '1, b', cookie: 'session=ab' },
    };
    assert.deepEqual(judged(rules, bad).toSorted(), [
      'cookie session : must NOT have fewer than 3 characters',
      'header x-ids /1: must be integer',
      'path list /1: must be integer',
      'query at /x: is missing',
      'query comma /1: must be integer',
      'query flag : must be boolean',
      'query json /x: is missing',
      'query many /0: must be integer',
      'query pipe /0: must be integer',
    ]);
    assert.deepEqual(judged(rules, { path: '/p/1' }), ['cookie session : is missing']);
    assert.deepEqual(judged(rules, { ...good, query: 'flag=true&flag=false' }), [
      'query flag : stands there more than once',
    ]);
    assert.deepEqual(judged(rules, { ...good, query: 'flag=%ff' }), [
      'query flag : is not valid text in UTF-8',
    ]);
    assert.deepEqual(judged(rules, { ...good, query: 'json=%7B' }), ['query json : is not JSON']);
  });

  it('reads parameters by all that their schemas combine', () => {
    const get = (...parameters: object[]) => {
      const rules = openApi({ '/a': { get: { parameters } } });
      return (query: string, headers = {}) => judged(rules, { path: '/a', query, headers });
    };
    const point = {
      name: 'at',
      in: 'query',
      schema: {
        type: 'object',
        allOf: [{ required: ['x'], properties: { x: { type: 'integer', maximum: 9 } } }],
        oneOf: [{ properties: { z: { type: 'boolean' } } }],
      },
    };
    assert.deepEqual(get(point)('x=1&z=true'), []);
    assert.deepEqual(get(point)('x=10'), ['query at /x: must be <= 9']);
    assert.deepEqual(get(point)('z=true'), ['query at /x: is missing']);
    const page = { name: 'page', in: 'query', schema: {} };
    const map = { name: 'map', in: 'query', schema: { additionalProperties: { type: 'integer' } } };
    assert.deepEqual(get(page, map)('page=x&a=1'), []);
    assert.deepEqual(get(page, map)('page=x&a=b'), ['query map /a: must be integer']);
    const either = {
      name: 'e',
      in: 'query',
      schema: {
        oneOf: [
          { type: 'string', minLength: 3 },
          { type: 'array', items: { type: 'integer' } },
        ],
      },
    };
    assert.deepEqual([get(either)('e=abc'), get(either)('e=1&e=2'), get(either)('e=5')], [[], [], []]);
    assert.notDeepEqual(get(either)('e=ab'), []);
    const json = { name: 'j', in: 'query', content: { 'application/json': {} } };
    assert.deepEqual(get(json)('j=%7B%22a%22:1,%22a%22:2%7D'), ['query j : has a key twice in one object']);
    const role = { name: 'X-Role', in: 'header', schema: { enum: ['user'] } };
    assert.deepEqual(get(role)('', { 'x-role': 'user', x_role: 'admin' }), [
      'header x_role : could be taken for x-role',
    ]);
    assert.throws(
      () => get({ name: 'o', in: 'query', schema: { anyOf: [{ type: 'object' }, { type: 'string' }] } }),
      /an object or something else/,
    );
  });

  it('judges a body by its media type', () => {
    const order = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };
    const rules = openApi({
      '/orders': {
        post: {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: order },
              'application/*+json': { schema: false },
              'application/x-www-form-urlencoded': { schema: order },
              'text/*': {},
            },
          },
        },
        put: { requestBody: { content: { '*/*': { schema: order } } } },
        delete: {},
      },
    });
    const post = (type: string, body: string) =>
      judged(rules, { method: 'POST', path: '/orders', headers: { 'content-type': type }, body });
    assert.deepEqual(post('Application/JSON; charset=utf-8', '{"id":1}'), []);
    assert.deepEqual(post('application/json', '{"id":"1"}'), ['body /id: must be integer']);
    assert.deepEqual(post('application/x-www-form-urlencoded', 'id=1&more=%C3%A4'), []);
    assert.deepEqual(post('application/x-www-form-urlencoded', 'id=a'), ['body /id: must be integer']);
    assert.deepEqual(post('application/x-www-form-urlencoded', 'id=%'), ['body : is not a form in UTF-8']);
    assert.deepEqual(post('text/csv', 'a,b'), []);
    for (const type of ['image/png', '', 'application/json, text/csv', 'json'])
      assert.match(post(type, '{}')[0] ?? '', /^header content-type : is none of application\/json, /, type);
    assert.deepEqual(judged(rules, { method: 'POST', path: '/orders' }), ['body : is missing']);
    assert.deepEqual(judged(rules, { method: 'PUT', path: '/orders' }), []);
    const put = (type: string, body: string) =>
      judged(rules, { method: 'PUT', path: '/orders', headers: { 'content-type': type }, body });
    assert.deepEqual(put('application/vnd.x+json', '{}'), ['body /id: is missing']);
    assert.deepEqual(put('application/x-www-form-urlencoded', 'id=a'), ['body /id: must be integer']);
    assert.deepEqual(put('text/plain', 'id'), []);
    assert.deepEqual(judged(rules, { method: 'DELETE', path: '/orders', body: '{}' }), [
      'body : is not expected: this operation takes none',
    ]);
  });

  it('understands 3.0: nullable, flags as exclusive bounds, and what only answers hold', () => {
    const rules = new OpenApi({
      openapi: '3.0.3',
      paths: {
        '/a': {
          post: {
            requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } },
          },
        },
      },
      components: {
        schemas: {
          A: {
            type: 'object',
            required: ['id', 'price', 'default'],
            properties: {
              id: { type: 'string', readOnly: true },
              price: { type: 'number', minimum: 0, exclusiveMinimum: true, nullable: true },
              default: { type: 'string', nullable: true },
              next: { $ref: '#/components/schemas/A' },
            },
          },
        },
      },
    });
    runAtOnce(rules.check());
    const post = (body: string) =>
      judged(rules, { method: 'POST', path: '/a', headers: { 'content-type': 'application/json' }, body });
    assert.deepEqual(post('{"price":null,"default":null}'), []);
    assert.deepEqual(post('{"price":0,"default":"x","next":{}}').toSorted(), [
      'body /next/default: is missing',
      'body /next/price: is missing',
      'body /price: must be > 0',
    ]);
  });

  it('takes null for what 3.0 calls nullable, also beside references and combinations', () => {
    const N = { type: 'object', required: ['n'], properties: { n: { type: 'string' } } };
    const $ref = '#/components/schemas/N';
    for (const nullable of [{ $ref }, { allOf: [{ $ref }] }, { oneOf: [{ $ref }] }, { enum: [{ n: 'x' }] }]) {
      const schema = { properties: { a: { nullable: true, ...nullable } } };
      const judge = (openapi: string, a: unknown) =>
        judged(
          openApi({ '/a': jsonPost(schema) }, { openapi, components: { schemas: { N } } }),
          posted({ a }),
        );
      assert.deepEqual([judge('3.0.3', null), judge('3.0.3', { n: 'x' })], [[], []]);
      assert.notDeepEqual(judge('3.0.3', {}), []);
      assert.notDeepEqual(judge('3.1.0', null), []);
    }
  });

  it('takes examples, defaults and extensions for data', () => {
    const data = (n: number) => ({ $id: 'a', $ref: 'nowhere', n });
    const schema = (n: number) => ({
      example: data(n),
      examples: [data(n)],
      default: data(n),
      'x-data': data(n),
      properties: { example: { type: 'integer' }, c: { const: data(1) }, e: { enum: [data(1), 2] } },
    });
    const rules = openApi({ '/a': jsonPost(schema(1)), '/b': jsonPost(schema(2)) });
    assert.deepEqual(judged(rules, posted({ example: 1, c: data(1), e: data(1) })), []);
    assert.deepEqual(judged(rules, posted({ example: 'x' })), ['body /example: must be integer']);
  });

  it('takes thousands of schemas, in chains and rings', () => {
    const next = (index: number) => ({ $ref: `#/components/schemas/S${index % 2000}` });
    const schemas = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [
        `S${index}`,
        { properties: { id: { type: 'integer' }, a: next(index + 1), b: { items: next(index * 7 + 3) } } },
      ]),
    );
    const rules = openApi({ '/a': jsonPost(next(0)) }, { components: { schemas } });
    assert.deepEqual(judged(rules, posted({ a: { a: { b: [{ id: 1 }] } } })), []);
    assert.deepEqual(judged(rules, posted({ a: { a: { b: [{ id: 'x' }] } } })), [
      'body /a/a/b/0/id: must be integer',
    ]);
  });

  it('follows references by $id, anchors, and $dynamicRef where it leads to one place', () => {
    const own = {
      $id: 'https://a.test/dir/own',
      $defs: { N: { $anchor: 'n', type: 'integer' } },
      properties: { a: { $ref: '#/$defs/N' }, b: { $ref: 'own#n' }, c: { $ref: 'other' } },
    };
    const Other = { $id: 'https://a.test/dir/other', $dynamicAnchor: 'o', type: 'string' };
    const named = (paths: object, more: object = {}) =>
      openApi(paths, { components: { schemas: { Other, ...more } } });
    const rules = named({
      '/a': jsonPost(own),
      '/d': jsonPost({ $dynamicRef: 'https://a.test/dir/other#o' }),
    });
    assert.deepEqual(judged(rules, posted({ a: 1, b: 2, c: 'x' })), []);
    assert.deepEqual(judged(rules, posted({ a: 'x', b: 'x', c: 1 })).toSorted(), [
      'body /a: must be integer',
      'body /b: must be integer',
      'body /c: must be string',
    ]);
    assert.deepEqual(judged(rules, { ...posted(1), path: '/d' }), ['body : must be string']);
    const twice = { '/a': jsonPost({ $dynamicRef: '#o' }) };
    assert.throws(() => named(twice, { P: { $dynamicAnchor: 'o' } }), /one of several places/);
    assert.throws(() => named({ '/a': jsonPost(own), '/b': jsonPost(own) }), /the same \$id as/);
  });

  it('requires nothing that only answers hold, wherever that is said, and takes any name for a name', () => {
    const created = { properties: { id: { readOnly: true }, at: { $ref: '#/components/schemas/Time' } } };
    const rules = openApi(
      { '/a': { post: { requestBody: { $ref: '#/components/requestBodies/default' } } } },
      {
        openapi: '3.0.3',
        components: {
          requestBodies: {
            default: { content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } },
          },
          schemas: {
            Time: { allOf: [{ type: 'string' }, { readOnly: true }] },
            Created: created,
            A: {
              allOf: [{ $ref: '#/components/schemas/Created' }, { required: ['id', 'name'] }],
              required: ['at', 'size'],
              properties: { size: { type: 'integer', nullable: true } },
            },
          },
        },
      },
    );
    const post = (body: string) =>
      judged(rules, { method: 'POST', path: '/a', headers: { 'content-type': 'application/json' }, body });
    assert.deepEqual(post('{"name":"a","size":null}'), []);
    assert.deepEqual(post('{}').toSorted(), ['body /name: is missing', 'body /size: is missing']);
  });

  it('takes documents of webhooks or components alone, and schemas of its own dialect', () => {
    const dialect = 'https://spec.openapis.org/oas/3.1/dialect/base';
    const A = { $schema: dialect, type: 'integer' };
    assert.equal(faultOf({ openapi: '3.1.0', components: { schemas: { A } } }), '');
    assert.equal(faultOf({ openapi: '3.1.0', webhooks: {} }), '');
    assert.match(faultOf({ openapi: '3.0.0', components: {} }), /needs paths/);
    const rules = openApi({ '/a': { get: parameter('n', 'query', { ...A, xml: { name: 'n' } }) } });
    assert.deepEqual(judged(rules, { path: '/a', query: 'n=1' }), []);
    assert.equal(judged(rules, { path: '/a', query: 'n=x' }).length, 1);
    assert.deepEqual(judged(new OpenApi({ openapi: '3.1.0', webhooks: {} }), {}), [
      'path : is none of the document',
    ]);
  });

  it('says what is wrong with a document, and where', () => {
    const withSchema = (schema: unknown) => ({
      openapi: '3.1.0',
      paths: { '/a': { get: { parameters: [{ name: 'q', in: 'query', schema }] } } },
    });
    assert.equal(faultOf([]), ': an OpenAPI document is a mapping');
    assert.equal(faultOf({ swagger: '2.0' }), '/openapi: needs openapi: 3.0.x or 3.1.x');
    assert.equal(faultOf({ openapi: '3.1.0' }), '/paths: needs paths: a mapping');
    assert.equal(faultOf({ openapi: '3.1.0', paths: { a: {} } }), '/paths/a: a path begins with a slash');
    const place = '/paths/~1a/get/parameters/0';
    assert.match(faultOf(withSchema({ type: 'text' })), new RegExp(`^${place}/schema/type: must be `));
    assert.match(faultOf(withSchema({ pattern: '(?=a)' })), new RegExp(`^${place}/schema: `));
    assert.match(faultOf(withSchema(7)), new RegExp(`^${place}/schema: a schema is a mapping`));
    assert.match(faultOf(withSchema({ $ref: '#/components/none' })), /\$ref: a reference to nothing/);
    assert.match(faultOf(withSchema({ $ref: 'other.yaml#/a' })), /out of the document/);
    assert.match(
      faultOf({ ...withSchema(true), components: { schemas: { A: { $ref: '#/components/schemas/A' } } } }),
      /circle|Maximum|resolve/,
    );
    assert.match(
      faultOf({ openapi: '3.1.0', paths: { '/a': { get: { parameters: [{ name: 'q', in: 'body' }] } } } }),
      new RegExp(`^${place}: a parameter needs name`),
    );
  });
});

function parameter(name: string, place: string, schema: object): object {
  return { parameters: [{ name, in: place, required: true, schema }] };
}

/** An operation that takes JSON. */
function jsonPost(schema: object): object {
  return { post: { requestBody: { content: { 'application/json': { schema } } } } };
}

function posted(value: unknown): Sent {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', path: '/a', headers, body: JSON.stringify(value) };
}
