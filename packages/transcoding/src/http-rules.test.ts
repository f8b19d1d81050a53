import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';

import { compileTypes } from './compile-types.ts';
import { encodeBody, encodePath, encodeQuery, encodeRawBody, takesRawBody } from './encode-request.ts';
import { TranscodingFault } from './fault.ts';
import { MethodRouter } from './method-router.ts';
import { parsePathTemplate } from './path-template.ts';
import { readProtos } from './testing/read-protos.ts';
import { Types } from './types.ts';
import { WireWriter } from './wire-writer.ts';

const registry = readProtos();
const types = new Types(compileTypes(registry));
const router = new MethodRouter(types, ['bookstore.v1.Bookstore']);
const writer = new WireWriter();

/** Which method gets which message; `pointer: message` of what is wrong; undefined: nothing is bound. */
function request(
  line: string,
  body = '',
  ignoreUnknownFields = false,
): [method: string, message: unknown] | string | undefined {
  const [verb = '', target = ''] = line.split(' ');
  const [path = '', query = ''] = target.split('?');
  try {
    const bound = router.find(verb, path);
    if (bound === undefined) return undefined;
    const { method } = bound;
    encodeBody(method, body, writer, { ignoreUnknownFields });
    encodeQuery(bound.method, query, writer, { ignoreUnknownFields });
    encodePath(bound, writer, { ignoreUnknownFields });
    const type = registry.getMessage(method.input.name)!;
    return [method.shape.name, toJson(type, fromBinary(type, writer.take()), { registry })];
  } catch (error) {
    assert.ok(error instanceof TranscodingFault, String(error));
    return `${error.pointer}: ${error.message}`;
  } finally {
    writer.drop();
  }
}

const cases: [line: string, expected: ReturnType<typeof request>, body?: string][] = [
  // Paths.
  ['GET /v1/shelves', ['ListShelves', {}]],
  ['POST /v1/shelves', ['CreateShelf', {}]],
  ['GET /v1/shelves/', undefined],
  ['GET /v1/shelves/1', ['GetShelf', { name: 'shelves/1' }]],
  ['DELETE /v1/shelves/1', ['DeleteShelf', { name: 'shelves/1' }]],
  ['PUT /v1/shelves/1', undefined],
  ['get /v1/shelves/1', undefined],
  ['GET /v1/shelves/1/2', undefined],
  ['GET /v2/shelves/1', undefined],
  ['GET /', undefined],
  ['GET /v1/SHELVES', undefined],
  ['GET /v1/%73helves', ['ListShelves', {}]],
  ['GET /v1/shelves/5/books/7', ['GetBook', { shelf: '5', book: { id: '7' } }]],
  ['GET /v1/books/7', ['GetBook', { book: { id: '7' } }]],
  ['PEEK /v1/books/7', ['GetBook', { book: { id: '7' } }]],
  ['GET /v1/books/seven', 'book.id: must be a whole number, is a string'],
  ['GET /v1/books/9223372036854775808', 'book.id: must be from -9223372036854775808 to 9223372036854775807'],
  ['GET /v1/books/', undefined],
  ['POST /bookstore.v1.Bookstore/Unbound', ['Unbound', { name: 'x' }], '{"name":"x"}'],
  ['GET /bookstore.v1.Bookstore/Unbound', undefined],
  ['POST /bookstore.v1.Bookstore/GetShelf', undefined],
  // Verbs, and colons that are none.
  ['POST /v1/shelves/1:archive', ['ArchiveShelf', { name: 'shelves/1' }]],
  ['GET /v1/shelves/1:archive', ['GetShelf', { name: 'shelves/1:archive' }]],
  ['POST /v1/shelves/a:b:archive', ['ArchiveShelf', { name: 'shelves/a:b' }]],
  ['POST /v1/shelves/1:burn', undefined],
  ['GET /v1/shelves:watch', ['WatchShelves', {}]],
  ['POST /v1/files/a/b:check', ['CheckFile', { path: 'a/b' }]],
  ['GET /v1/files/a/b:check', ['GetFile', { path: 'a/b:check' }]],
  ['POST /v1/shelves/1%3Aarchive', undefined],
  // Wildcards over several segments.
  ['GET /v1/files/a', ['GetFile', { path: 'a' }]],
  ['GET /v1/files/a/b/c.txt', ['GetFile', { path: 'a/b/c.txt' }]],
  ['GET /v1/files/', ['GetFile', {}]],
  ['GET /v1/files', ['GetFile', {}]],
  ['GET /v1/files/a//b', ['GetFile', { path: 'a//b' }]],
  // Percent-encoding: all of it in one segment, but for slashes in several.
  ['GET /v1/shelves/a%20b/books/1', ['GetBook', { shelf: 'a b', book: { id: '1' } }]],
  ['GET /v1/shelves/a%2Fb/books/1', ['GetBook', { shelf: 'a/b', book: { id: '1' } }]],
  ['GET /v1/shelves/a%2Fb', ['GetShelf', { name: 'shelves/a%2Fb' }]],
  ['GET /v1/files/a%2fb/%C3%A9', ['GetFile', { path: 'a%2fb/é' }]],
  ['GET /v1/files/a+b', ['GetFile', { path: 'a+b' }]],
  ['GET /v1/files/%FF', 'path: is not percent-encoded UTF-8'],
  ['GET /v1/shelves/%E0%80/books/1', 'shelf: is not percent-encoded UTF-8'],
  // Bodies.
  ['POST /v1/shelves', ['CreateShelf', { shelf: { theme: 'x' } }], '{"theme":"x"}'],
  [
    'POST /v1/shelves?requestId=1',
    ['CreateShelf', { shelf: { theme: 'x' }, requestId: '1' }],
    '{"theme":"x"}',
  ],
  ['POST /v1/shelves?request_id=1', ['CreateShelf', { requestId: '1' }]],
  ['POST /v1/shelves?shelf.theme=y', 'shelf.theme: is in the body', '{"theme":"x"}'],
  ['POST /v1/shelves', '/theme: must be a string, is a number', '{"theme":1}'],
  ['POST /v1/shelves', '/thema: is no field of bookstore.v1.Shelf', '{"thema":1}'],
  ['POST /v1/shelves', ': is no JSON', '{"theme":'],
  ['POST /v1/shelves', ': must be an object, is a list', '[]'],
  ['POST /v1/shelves/1:archive', ['ArchiveShelf', { name: 'shelves/1' }], '{"name":"shelves/2"}'],
  ['POST /v1/shelves/1:archive?name=2', 'name: is not taken: all of the message is in the body'],
  [
    'PATCH /v1/shelves/1/books/2?updateMask=title,genre&allow_missing=true',
    [
      'UpdateBook',
      {
        book: { name: 'shelves/1/books/2', title: 'T', tags: ['a'] },
        updateMask: 'title,genre',
        allowMissing: true,
      },
    ],
    '{"title":"T","tags":["a"]}',
  ],
  [
    'PUT /v1/shelves/1/books/2',
    ['ReplaceBook', { book: { name: 'shelves/1/books/2', title: 'T' }, allowMissing: true }],
    '{"book":{"title":"T","name":"other"},"allowMissing":true}',
  ],
  // Parameters of the query.
  ['GET /v1/shelves?pageSize=10&page_token=a%26b', ['ListShelves', { pageSize: 10, pageToken: 'a&b' }]],
  ['GET /v1/shelves?pageSize=10&pageSize=11', 'pageSize: stands there twice'],
  ['GET /v1/shelves?pageSize=10&page_size=11', 'page_size: stands there twice'],
  ['GET /v1/shelves?pageSize=ten', 'pageSize: must be a whole number, is a string'],
  ['GET /v1/shelves?pageSize=', 'pageSize: must be a whole number, is a string'],
  ['GET /v1/shelves?size=1', 'size: is no parameter of bookstore.v1.ListShelvesRequest'],
  ['GET /v1/shelves?pageToken=%ZZ', 'pageToken: is not percent-encoded UTF-8'],
  ['GET /v1/shelves?&&pageToken', ['ListShelves', {}]],
  ['GET /v1/shelves/1?name=2', 'name: is in the path'],
  ['GET /v1/shelves/1/books/2?book.title=x', ['GetBook', { shelf: '1', book: { id: '2', title: 'x' } }]],
  ['GET /v1/shelves/1/books/2?book.id=3', 'book.id: is in the path'],
  ['QUERY /v1/search?text=a+b', ['Search', { text: 'a b' }]],
  ['GET /v1/search?words=a&words=b', ['Search', { words: ['a', 'b'] }]],
  ['GET /v1/search?numbers=1&numbers=-2', ['Search', { numbers: [1, -2] }]],
  [
    'GET /v1/search?genre=NOVEL&genres=POEM&genres=1',
    ['Search', { genre: 'NOVEL', genres: ['POEM', 'NOVEL'] }],
  ],
  ['GET /v1/search?genre=ESSAY', 'genre: is no value of bookstore.v1.Genre'],
  [
    'GET /v1/search?like.title=x&like.tags=a&like.tags=b',
    ['Search', { like: { title: 'x', tags: ['a', 'b'] } }],
  ],
  ['GET /v1/search?inner.inner.like.id=5', ['Search', { inner: { inner: { like: { id: '5' } } } }]],
  ['GET /v1/search?since=2026-01-02T03:04:05Z', ['Search', { since: '2026-01-02T03:04:05Z' }]],
  ['GET /v1/search?since=yesterday', 'since: must be a moment such as 2030-01-31T09:30:00Z'],
  ['GET /v1/search?limit=7&available=false', ['Search', { limit: '7', available: false }]],
  ['GET /v1/search?exact=1', 'exact: must be true or false, is a string'],
  [
    'GET /v1/search?score=-1.5e3&big=18446744073709551615',
    ['Search', { score: -1500, big: '18446744073709551615' }],
  ],
  ['GET /v1/search?cursor=AAEC', ['Search', { cursor: 'AAEC' }]],
  ['GET /v1/search?cursor=%2B%2F8', ['Search', { cursor: '+/8=' }]],
  ['GET /v1/search?author=a&year=1', ['Search', { year: 1 }]],
  ['GET /v1/search?labels=a', 'labels: is no parameter of bookstore.v1.SearchRequest'],
  ['GET /v1/search?labels.a=b', 'labels.a: is no parameter of bookstore.v1.SearchRequest'],
  ['GET /v1/search?books.title=a', 'books.title: is no parameter of bookstore.v1.SearchRequest'],
  ['GET /v1/search?like=a', 'like: is no parameter of bookstore.v1.SearchRequest'],
];

describe('google.api.http', () => {
  for (const [line, expected, body] of cases)
    it(`${line}${body === undefined ? '' : ` ${body}`}`, () => {
      assert.deepEqual(request(line, body), expected);
    });

  it('passes over unknown parameters and fields where it is told to', () => {
    assert.deepEqual(request('GET /v1/shelves?size=1&pageSize=2', '', true), [
      'ListShelves',
      { pageSize: 2 },
    ]);
    assert.deepEqual(request('POST /v1/shelves', '{"thema":1,"theme":"x"}', true), [
      'CreateShelf',
      { shelf: { theme: 'x' } },
    ]);
  });

  it('names what is not bound rightly, and binds the rest', () => {
    assert.deepEqual(router.problems, []);
    assert.deepEqual(new MethodRouter(types).problems, [
      '/bookstore.v1.Broken/BadTemplate: path template /v1/{name: {name is no variable',
      '/bookstore.v1.Broken/Taken: GET /v1/{name=shelves/*} is bound to /bookstore.v1.Bookstore/GetShelf already',
      '/bookstore.v1.Broken/BadField: nothing is no field of bookstore.v1.GetShelfRequest that a path can hold',
      '/bookstore.v1.Broken/BadBody: body nothing is no field of bookstore.v1.GetShelfRequest',
    ]);
  });

  it('knows what a request may have meant', () => {
    assert.equal(router.nearest('/v1/titles')?.shape.name, 'TitleOf');
    assert.equal(router.nearest('/v1/shelves/1/books')?.shape.name, 'GetBook');
    // Where the way leads to what is bound wrongly, something before it is the nearest.
    assert.ok(new MethodRouter(types).nearest('/v1/shelfes/1'));
  });

  it('takes a body of bytes where the message has one', () => {
    const bytes = Buffer.from([0, 255]);
    const { method, captures } = router.find('PUT', '/v1/files/a/b')!;
    assert.deepEqual(
      [takesRawBody(method), takesRawBody(router.find('GET', '/v1/shelves')!.method)],
      [true, false],
    );
    encodeRawBody(method, { contentType: 'image/png', bytes }, writer);
    encodePath({ method, captures }, writer, { ignoreUnknownFields: false });
    const type = registry.getMessage(method.input.name)!;
    assert.deepEqual(toJson(type, fromBinary(type, writer.take()), { registry }), {
      path: 'a/b',
      file: { contentType: 'image/png', data: 'AP8=' },
    });
  });

  it('refuses more parameters than it looks up', () => {
    assert.equal(request(`GET /v1/search?${'words=a&'.repeat(1001)}`), ': has more than 1000 parameters');
  });
});

describe('path templates', () => {
  const bad = [
    'v1',
    '/v1/',
    '/v1//x',
    '/{a',
    '/{a=*/{b}}',
    '/{}',
    '/{a.}',
    '/{a}/{a}',
    '/**/x',
    '/{a=**}/x',
    '/a:',
    '/a b',
    '/x*',
  ];
  for (const text of bad)
    it(`refuse ${text}`, () => {
      assert.throws(() => parsePathTemplate(text), TranscodingFault);
    });

  it('know their segments, variables and verb', () => {
    assert.deepEqual(parsePathTemplate('/v1/{a.b=x/*/**}:do'), {
      segments: [{ literal: 'v1' }, { literal: 'x' }, '*', '**'],
      variables: [{ fieldPath: ['a', 'b'], start: 1, end: 4, isMulti: true }],
      verb: 'do',
    });
    assert.deepEqual(parsePathTemplate('/').segments, []);
  });
});
