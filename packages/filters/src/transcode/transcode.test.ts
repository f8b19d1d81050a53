import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary, toJson, type DescMessage } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { StatusSchema } from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import { compileTypes } from '@causeway/transcoding/compile-types';
import { messagePrefix, prefixBytes } from '@causeway/transcoding/grpc-messages';
import { readProtos } from '@causeway/transcoding/testing/read-protos';
import { Types } from '@causeway/transcoding/types';

import { fieldValue } from '../fields.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { createTranscodeFilter } from './transcode.ts';
import type { TranscodeSettings } from './transcode-settings.ts';

const registry = readProtos();
const types = new Types(compileTypes(registry));
const defaults: TranscodeSettings = {
  descriptors: 'default/books',
  services: ['bookstore.v1.Bookstore'],
  headers: ['x-tenant'],
  responseHeaders: ['x-next'],
  timeoutHeader: 'grpc-timeout',
  passesUnmatched: false,
  preserveFieldNames: false,
  emitDefaults: false,
  enumsAsNumbers: false,
  ignoreUnknownFields: false,
  messageBytesMax: 1000,
};

interface Sent {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that has come as far as the upstream, or was refused. */
async function call(
  line: string,
  { body, headers = {} }: Sent = {},
  settings: Partial<TranscodeSettings> = {},
) {
  const filter = createTranscodeFilter('transcode', { ...defaults, ...settings });
  const owner = new FakeOwner(new FilterChain([filter]));
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query] = target.split('?');
  Object.assign(owner, { method, path, query, hasRequestBody: body !== undefined, isWholeOfUpstream: false });
  owner.requestBody = Buffer.from(body ?? '', 'latin1');
  owner.headers = new Map(Object.entries({ 'x-tenant': 'acme', cookie: 'a=b', ...headers }));
  owner.upstreamFields = [...owner.headers].flat();
  owner.descriptorSets.set('default/books', types);
  owner.chain.requestHead(owner);
  await Promise.resolve();
  return owner;
}

const typeNamed = (name: string): DescMessage => registry.getMessage(`bookstore.v1.${name}`)!;
const messageOf = (type: string, bytes: Uint8Array) =>
  toJson(typeNamed(type), fromBinary(typeNamed(type), bytes), { registry });
const framed = (bytes: Uint8Array): Buffer => Buffer.concat([messagePrefix(bytes.length), bytes]);
const encoded = (type: string, value: Record<string, unknown>): Buffer =>
  framed(toBinary(typeNamed(type), create(typeNamed(type), value)));

interface Answered {
  readonly body?: Buffer;
  readonly fields?: readonly string[];
  readonly trailers?: readonly string[];
  readonly status?: number;
}

async function answer(owner: FakeOwner, answered: Answered): Promise<FakeOwner> {
  const { body = Buffer.alloc(0), fields = [], trailers = ['grpc-status', '0'], status = 200 } = answered;
  owner.isWholeOfUpstream = true;
  owner.responseStatus = status;
  owner.responseFields = ['content-type', 'application/grpc', ...fields];
  owner.responseTrailers = trailers;
  owner.responseBody = body;
  owner.chain.responseHead(owner);
  await Promise.resolve();
  return owner;
}

const errorsOf = ({ response }: FakeOwner): unknown =>
  response?.kind === 'refusal' ? (response.members?.['errors'] ?? response.reason) : undefined;

describe('a request that is transcoded', () => {
  it('is a call of the method that it is bound to, with one message', async () => {
    const owner = await call('POST /v1/shelves?request_id=r1', {
      body: '{"name":"shelves/1","theme":"é"}'.replace('é', '\u00c3\u00a9'),
      headers: { 'content-type': 'application/json; charset=UTF-8' },
    });
    assert.deepEqual(owner.log, ['request']);
    assert.equal(owner.upstreamPath, '/bookstore.v1.Bookstore/CreateShelf');
    assert.equal(owner.upstreamQuery, undefined);
    assert.ok(owner.translation !== undefined);
    assert.equal(Buffer.from(owner.requestBody).readUInt32BE(1), owner.requestBody.length - prefixBytes);
    assert.deepEqual(messageOf('CreateShelfRequest', owner.requestBody.subarray(prefixBytes)), {
      shelf: { name: 'shelves/1', theme: 'é' },
      requestId: 'r1',
    });
  });

  it('takes along what is listed, and what tells who calls', async () => {
    const { upstreamFields } = await call('GET /v1/shelves', {
      headers: {
        authorization: 'Bearer a',
        'x-forwarded-for': '192.0.2.1',
        accept: '*/*',
        'grpc-encoding': 'gzip',
      },
    });
    assert.deepEqual(upstreamFields, [
      'x-tenant',
      'acme',
      'authorization',
      'Bearer a',
      'x-forwarded-for',
      '192.0.2.1',
      'content-type',
      'application/grpc+proto',
      'grpc-accept-encoding',
      'identity',
    ]);
  });

  it('has the deadline that its header says', async () => {
    const owner = await call(
      'GET /v1/shelves',
      { headers: { 'x-wait': '250m' } },
      { timeoutHeader: 'x-wait' },
    );
    assert.equal(owner.translation?.timeoutMs, 250);
    assert.equal(fieldValue(owner.upstreamFields, 'grpc-timeout'), '250m');
    const refused = await call('GET /v1/shelves', { headers: { 'grpc-timeout': '250ms' } });
    assert.deepEqual(errorsOf(refused), [
      { in: 'header', name: 'grpc-timeout', pointer: '', detail: 'must be a time such as 500m or 10S' },
    ]);
  });

  it('by HEAD is one by GET, unless its answer has no end', async () => {
    assert.equal((await call('HEAD /v1/shelves')).upstreamPath, '/bookstore.v1.Bookstore/ListShelves');
    const { response } = await call('HEAD /v1/shelves:watch');
    assert.ok(response?.kind === 'refusal' && response.reason === 'method_not_allowed');
  });

  it('passes as it is where it is gRPC already, or bound to nothing and let through', async () => {
    for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc-web-text']) {
      const owner = await call('POST /v1/shelves', { body: 'x', headers: { 'content-type': type } });
      assert.deepEqual([owner.log, owner.translation], [['request'], undefined]);
    }
    const owner = await call('GET /nothing', {}, { passesUnmatched: true });
    assert.deepEqual([owner.log, owner.translation], [['request'], undefined]);
  });

  for (const [line, expected, sent] of [
    ['GET /v1/books/7/pages', 'no_grpc_method'],
    ['PUT /v1/shelves', 'method_not_allowed'],
    [
      'GET /v1/books/x',
      [{ in: 'path', name: 'book.id', pointer: '', detail: 'must be a whole number, is a string' }],
    ],
    [
      'GET /v1/files/%FF',
      [{ in: 'path', name: 'path', pointer: '', detail: 'is not percent-encoded UTF-8' }],
    ],
    [
      'GET /v1/shelves?size=1',
      [
        {
          in: 'query',
          name: 'size',
          pointer: '',
          detail: 'is no parameter of bookstore.v1.ListShelvesRequest',
        },
      ],
    ],
    [
      'POST /v1/shelves',
      [{ in: 'body', pointer: '/no', detail: 'is no field of bookstore.v1.Shelf' }],
      { body: '{"no":1}' },
    ],
    ['POST /v1/shelves', [{ in: 'body', pointer: '', detail: 'is no JSON' }], { body: '{' }],
    ['POST /v1/shelves', [{ in: 'body', pointer: '', detail: 'is no UTF-8' }], { body: '{"name":"\u00ff"}' }],
    ['POST /v1/shelves', 'payload_too_large', { body: ' '.repeat(1001) }],
    [
      'GET /v1/shelves',
      [{ in: 'body', pointer: '', detail: 'is not taken: the method has none' }],
      { body: '{}' },
    ],
    [
      'POST /v1/shelves',
      [{ in: 'header', name: 'content-type', pointer: '', detail: 'must be application/json' }],
      { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    [
      'POST /v1/shelves',
      [{ in: 'header', name: 'content-encoding', pointer: '', detail: 'must not be there' }],
      { body: '{}', headers: { 'content-encoding': 'gzip' } },
    ],
    ['GET /v1/shelves', 'no_grpc_method', { headers: { 'sec-websocket-version': '13' } }],
  ] as [string, unknown, Sent?][])
    it(`is refused: ${line} ${JSON.stringify(sent ?? '').slice(0, 60)}`, async () => {
      const owner = await call(line, sent);
      assert.deepEqual(errorsOf(owner), expected);
    });

  it('is told what it may have meant', async () => {
    const wrongPath = (await call('GET /v1/books/7/pages')).response;
    assert.match(wrongPath?.kind === 'refusal' ? wrongPath.detail! : '', /GET \/v1\/books\/\{book\.id\}/);
    const wrongMethod = (await call('PUT /v1/shelves')).response;
    assert.deepEqual(wrongMethod?.kind === 'refusal' && wrongMethod.fields, ['allow', 'GET, POST, HEAD']);
  });

  it('is refused as long as nobody knows its messages', async () => {
    const { response } = await call('GET /v1/shelves', {}, { descriptors: 'default/unknown' });
    assert.ok(response?.kind === 'refusal' && response.reason === 'descriptors_unavailable');
  });
});

describe('a stream of requests', () => {
  const messagesOf = ({ log }: FakeOwner): unknown[] =>
    log.filter((line) => line.startsWith('> ') && line !== '> end').map((line) => Buffer.from(line.slice(2)));

  async function stream(contentType: string, chunks: readonly string[]): Promise<FakeOwner> {
    const owner = await call('POST /v1/books:import', { body: '', headers: { 'content-type': contentType } });
    for (const chunk of chunks) owner.requestPass!.write(Buffer.from(chunk));
    owner.requestPass!.end();
    return owner;
  }

  for (const [contentType, chunks] of [
    ['application/json', ['[{"id":"1"},', '{"id"', ':2}]']],
    ['application/x-ndjson', ['{"id":"1"}\n', '{"id"', ':2}']],
  ] as const)
    it(`goes on item by item: ${contentType}`, async () => {
      const owner = await stream(contentType, chunks);
      assert.deepEqual(messagesOf(owner), [encoded('Book', { id: 1n }), encoded('Book', { id: 2n })]);
      assert.equal(owner.log.at(-1), '> end');
    });

  it('is refused at the item that is wrong', async () => {
    const owner = await stream('application/json', ['[{"id":"1"},{"tags":[1]}]']);
    assert.deepEqual(owner.errors, []);
    assert.deepEqual(owner.refusals, ['transcode bad_request']);
    assert.equal((await stream('application/json', ['[{"id":1}'])).refusals[0], 'transcode bad_request');
    const long = await stream('application/json', [`["${'x'.repeat(1001)}"]`]);
    assert.deepEqual(long.refusals, ['transcode payload_too_large']);
  });
});

describe('an answer that is transcoded', () => {
  it('is JSON, with the metadata that is listed', async () => {
    const owner = await answer(await call('GET /v1/books/7'), {
      body: encoded('Book', { id: 7n, genre: 1 }),
      fields: ['x-next', 'a', 'x-secret', 'b', 'date', 'now'],
      trailers: ['grpc-status', '0', 'x-next', 'c', 'x-other', 'd'],
    });
    assert.equal(owner.responseStatus, 200);
    assert.deepEqual(owner.responseFields, [
      'x-next',
      'a',
      'date',
      'now',
      'x-next',
      'c',
      'content-type',
      'application/json',
    ]);
    assert.equal(String(owner.responseBody), '{"id":"7","genre":"NOVEL"}');
  });

  it('is a field of the message, or its bytes, where the method says so', async () => {
    const titled = await answer(await call('GET /v1/titles/7'), { body: encoded('Book', { title: 'A' }) });
    assert.equal(String(titled.responseBody), '"A"');
    const untitled = await answer(await call('GET /v1/titles/7'), { body: encoded('Book', {}) });
    assert.equal(String(untitled.responseBody), '""');
    const httpBody = registry.getMessage('google.api.HttpBody')!;
    for (const [contentType, expected] of [
      ['text/css', 'text/css'],
      ['a\r\nb: c', 'application/octet-stream'],
    ] as const) {
      const bytes = toBinary(httpBody, create(httpBody, { contentType, data: Buffer.from('p {}') }));
      const file = await answer(await call('GET /v1/files/a.css'), { body: framed(bytes) });
      assert.equal(String(file.responseBody), 'p {}');
      assert.equal(fieldValue(file.responseFields, 'content-type'), expected);
    }
  });

  it('tells why the call has failed, with the details', async () => {
    const detail = anyPack(typeNamed('Book'), create(typeNamed('Book'), { title: 'A' }));
    const unknown = { typeUrl: 'type.googleapis.com/x.Y', value: new Uint8Array([1]) };
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 5, message: 'no' }));
    const any = Buffer.concat(
      [detail, unknown].map(({ typeUrl, value }) => {
        const inner = Buffer.concat([
          Buffer.from([10, typeUrl.length]),
          Buffer.from(typeUrl),
          Buffer.from([18, value.length]),
          value,
        ]);
        return Buffer.concat([Buffer.from([26, inner.length]), inner]);
      }),
    );
    const owner = await answer(await call('GET /v1/books/7'), {
      trailers: [
        'grpc-status',
        '5',
        'grpc-message',
        'no such book: 100%25 %C3%A9',
        'grpc-status-details-bin',
        Buffer.concat([bytes, any]).toString('base64'),
      ],
    });
    assert.equal(owner.responseStatus, 404);
    assert.deepEqual(JSON.parse(String(owner.responseBody)), {
      code: 5,
      message: 'no such book: 100% é',
      details: [
        { '@type': 'type.googleapis.com/bookstore.v1.Book', title: 'A' },
        { '@type': 'type.googleapis.com/x.Y', value: 'AQ==' },
      ],
    });
    const bare = await answer(await call('GET /v1/books/7'), { fields: ['grpc-status', '16'], trailers: [] });
    assert.equal(bare.responseStatus, 401);
    assert.equal(String(bare.responseBody), '{"code":16,"message":""}');
  });

  for (const [what, answered] of [
    ['no gRPC', { status: 503 }],
    ['no message', {}],
    ['two messages', { body: Buffer.concat([encoded('Book', {}), encoded('Book', {})]) }],
    ['half a message', { body: encoded('Book', { id: 7n }).subarray(0, -1) }],
    ['a compressed message', { body: Buffer.from([1, 0, 0, 0, 0]) }],
    ['bytes that are none', { body: framed(Buffer.from([8])) }],
    ['a message that is too long', { body: encoded('Book', { title: 'x'.repeat(1000) }) }],
    ['no status', { body: encoded('Book', {}), trailers: [] }],
  ] as [string, Answered][])
    it(`is refused: ${what}`, async () => {
      const owner = await answer(await call('GET /v1/books/7'), answered);
      assert.equal(errorsOf(owner), 'upstream_protocol_error');
    });

  it("leaves the gateway's own words alone", async () => {
    const owner = await call('GET /v1/books/7');
    owner.responseFields = ['content-type', 'application/problem+json'];
    owner.responseStatus = 503;
    owner.chain.responseHead(owner);
    assert.deepEqual(owner.responseFields, ['content-type', 'application/problem+json']);
    assert.equal(owner.log.at(-1), 'response 503');
  });

  it('to HEAD is its head alone', async () => {
    const owner = await answer(await call('HEAD /v1/books/7'), { body: encoded('Book', { id: 7n }) });
    assert.ok(owner.response?.kind === 'answer');
    assert.equal(String(owner.response.body), '{"id":"7"}');
  });
});

describe('a stream of answers', () => {
  const two = Buffer.concat([encoded('Shelf', { name: 'a' }), encoded('Shelf', { name: 'b' })]);

  async function watch(accept: string, trailers: readonly string[], body = two): Promise<FakeOwner> {
    const owner = await answer(await call('GET /v1/shelves:watch', { headers: { accept } }), {});
    for (const at of [0, 3, 11])
      owner.responsePass!.write(body.subarray(at, at === 0 ? 3 : at === 3 ? 11 : undefined));
    owner.responseTrailers = trailers;
    owner.responsePass!.end();
    return owner;
  }

  const bodyOf = ({ log }: FakeOwner): string =>
    log
      .filter((line) => line.startsWith('< ') && line !== '< end')
      .map((line) => line.slice(2))
      .join('');

  it('has a line for each message', async () => {
    const owner = await watch('*/*', ['grpc-status', '0']);
    assert.equal(fieldValue(owner.responseFields, 'content-type'), 'application/x-ndjson');
    assert.equal(fieldValue(owner.responseFields, 'vary'), 'accept');
    assert.equal(bodyOf(owner), '{"name":"a"}\n{"name":"b"}\n');
  });

  it('has an event for each message where the client likes that better', async () => {
    const owner = await watch('application/x-ndjson;q=0.5, text/event-stream', ['grpc-status', '0']);
    assert.equal(fieldValue(owner.responseFields, 'content-type'), 'text/event-stream');
    assert.equal(bodyOf(owner), 'data: {"name":"a"}\n\ndata: {"name":"b"}\n\n');
    const lines = await watch('text/event-stream;q=0.5, application/x-ndjson', ['grpc-status', '0']);
    assert.equal(fieldValue(lines.responseFields, 'content-type'), 'application/x-ndjson');
  });

  it('ends with the error that the call has ended with', async () => {
    const trailers = ['grpc-status', '8', 'grpc-message', 'enough'];
    assert.match(bodyOf(await watch('*/*', trailers)), /\n\{"error":\{"code":8,"message":"enough"\}\}\n$/);
    assert.match(
      bodyOf(await watch('text/event-stream', trailers)),
      /\n\nevent: error\ndata: \{"error":\{"code":8,"message":"enough"\}\}\n\n$/,
    );
  });

  it('tells what the gateway has to say in the end', async () => {
    const owner = await call('GET /v1/shelves:watch');
    const words = owner.translation?.lastWords?.({ code: 14, message: 'upstream_reset: gone' });
    assert.equal(String(words), '{"error":{"code":14,"message":"upstream_reset: gone"}}\n');
    const { translation } = await call('GET /v1/shelves');
    assert.ok(translation !== undefined && !('lastWords' in translation));
  });

  it('that fails before it has begun is an error like any other', async () => {
    const owner = await answer(await call('GET /v1/shelves:watch'), {
      fields: ['grpc-status', '7'],
      trailers: [],
    });
    assert.equal(owner.responseStatus, 403);
    assert.equal(fieldValue(owner.responseFields, 'content-type'), 'application/json');
  });

  it('is cut off where a message is damaged, or the status is missing', async () => {
    assert.deepEqual((await watch('*/*', [])).refusals, ['transcode upstream_protocol_error']);
    const damaged = await watch('*/*', ['grpc-status', '0'], Buffer.concat([two, framed(Buffer.from([8]))]));
    assert.deepEqual(damaged.refusals, ['transcode upstream_protocol_error']);
  });
});
