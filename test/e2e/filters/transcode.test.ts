// Calls by HTTP and JSON to a server of gRPC, from the admin API to the bytes on both sides of a node.

import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../kit/eventually.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type BookstoreUpstream, startBookstore } from '../../kit/upstreams/bookstore.ts';

const scope = new OwnScope();
let system: System;
let port: number;
let books: BookstoreUpstream;
let mortal: BookstoreUpstream;

const transcode = {
  descriptors: 'books',
  services: ['bookstore.v1.Bookstore'],
  headers: ['x-tenant'],
  responseHeaders: ['x-next'],
  timeoutHeader: 'x-wait',
  maxMessageSize: '64KiB',
};

const onHost = (name: string, backend: string, filters: object[], spec: object = {}): Resource => ({
  ...route(name, '/', backend, { hosts: [`${name}.test`], filters, ...spec }),
});

before(async () => {
  [books, mortal] = await Promise.all([startBookstore(scope), startBookstore(scope)]);
  system = await startSystem(scope, {
    workers: 1,
    resources: [
      gateway(),
      { kind: 'DescriptorSet', metadata: { name: 'books' }, spec: { data: books.descriptors } },
      service('books', [books.port], { protocol: 'grpc' }),
      service('mortal', [mortal.port], { protocol: 'grpc' }),
      service('away', [1], { protocol: 'grpc' }),
      onHost('books', 'books', [{ transcode }], {
        allowEncoded: ['slash'],
      }),
      onHost('mortal', 'mortal', [{ transcode }]),
      onHost('away', 'away', [{ transcode }]),
      onHost('changed', 'books', [
        { transcode },
        {
          transformJson: {
            request: [{ op: 'move', from: '/named', path: '/name' }],
            response: [{ op: 'remove', path: '/theme' }],
          },
        },
      ]),
      onHost('cached', 'books', [{ transcode }, { cache: { ttl: '60s' } }]),
      onHost('mounted', 'books', [{ transcode }, { rewrite: { path: { prefix: '/v1' } } }], {
        matches: [{ path: { prefix: '/api' } }],
      }),
      onHost('set', 'books', [
        { transcode },
        { headers: { request: { set: { 'x-tenant': 'of the gateway' } } } },
      ]),
    ],
  });
  port = await system.nodes[0]!.trafficPort();
});
after(() => scope.end());

interface Asked {
  readonly host?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(line: string, { host = 'books', body, headers = {} }: Asked = {}) {
  const [method = '', path = ''] = line.split(' ');
  const response = await request(`http://127.0.0.1:${port}${path}`, {
    method: method as 'GET',
    headers: {
      host: `${host}.test`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  });
  const text = await response.body.text();
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  };
}

const lastRequest = () => books.requests[0]!;

describe('a call that is transcoded', () => {
  it('has its message of path, query and body, and answers one', async () => {
    const created = await ask('POST /v1/shelves?request_id=r', {
      body: '{"name":"shelves/é","theme":"sea"}',
    });
    assert.deepEqual([created.status, created.json()], [200, { name: 'shelves/é', theme: 'sea' }]);
    assert.equal(created.headers['content-type'], 'application/json');
    assert.equal(created.headers['content-length'], String(Buffer.byteLength(created.text)));
    assert.deepEqual(lastRequest().message, { shelf: { name: 'shelves/é', theme: 'sea' }, requestId: 'r' });
    const book = await ask('GET /v1/shelves/a%2Fb/books/7');
    assert.deepEqual(book.json(), { id: '7', title: 'Book 7', genre: 'NOVEL' });
    const gone = await ask('DELETE /v1/shelves/1');
    assert.deepEqual([gone.status, gone.text], [200, '{}']);
    assert.equal((await ask('GET /v1/titles/7')).text, '"Book 7"');
  });

  it('takes along the metadata that is listed, both ways', async () => {
    const { headers } = await ask('GET /v1/books/7', {
      headers: { 'x-tenant': 'acme', 'x-other': 'b', cookie: 'a=b', authorization: 'Bearer a' },
    });
    assert.deepEqual(headers['x-next'], ['head', 'trailer']);
    assert.equal(headers['x-secret'], undefined);
    assert.equal(headers['grpc-status'], undefined);
    const { metadata } = lastRequest();
    assert.deepEqual(
      ['x-tenant', 'authorization', 'x-other', 'cookie'].map((name) => metadata[name]),
      ['acme', 'Bearer a', undefined, undefined],
    );
    assert.equal(typeof metadata['x-request-id'], 'string');
    await ask('GET /v1/books/7', { host: 'set' });
    assert.equal(lastRequest().metadata['x-tenant'], 'of the gateway');
  });

  it('carries bytes of a type of their own', async () => {
    const file = await ask('GET /v1/files/css/main.css');
    assert.deepEqual([file.headers['content-type'], file.text], ['text/css', 'of css/main.css']);
    const put = await ask('PUT /v1/files/a.png', {
      body: Buffer.from([0, 255]),
      headers: { 'content-type': 'image/png' },
    });
    assert.equal(put.status, 200);
    assert.deepEqual(lastRequest().message, {
      path: 'a.png',
      file: { contentType: 'image/png', data: Buffer.from([0, 255]).toString('base64') },
    });
  });

  it('by HEAD tells what GET would', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const asked = httpRequest(
        { port, method: 'HEAD', path: '/v1/books/7', headers: { host: 'books.test' } },
        (response) => {
          response.resume();
          response.on('end', () => resolve(`${response.statusCode} ${response.headers['content-length']}`));
        },
      );
      asked.on('error', reject);
      asked.end();
    });
    assert.equal(answer, `200 ${(await ask('GET /v1/books/7')).text.length}`);
  });

  it('tells the status that the server gave, with its details', async () => {
    const answer = await ask('GET /v1/books/404');
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['x-next'], 'error');
    assert.deepEqual(answer.json(), {
      code: 5,
      message: 'no such book: é',
      details: [
        { '@type': 'type.googleapis.com/bookstore.v1.Book', id: '404' },
        { '@type': 'type.googleapis.com/x.Unknown', value: 'AQ==' },
      ],
    });
    const unimplemented = await ask('POST /v1/shelves/1:archive');
    assert.deepEqual([unimplemented.status, unimplemented.json()['code']], [501, 12]);
  });

  it('is refused where it fits nothing', async () => {
    for (const [line, status, reason, sent] of [
      ['GET /v1/nothing', 404, 'no_grpc_method'],
      ['PUT /v1/shelves', 405, 'method_not_allowed'],
      ['POST /v1/shelves', 400, 'bad_request', { body: '{"name":1}' }],
      ['POST /v1/shelves', 400, 'bad_request', { body: '{"unknown":1}' }],
      ['POST /v1/shelves', 400, 'bad_request', { body: '{' }],
      ['POST /v1/shelves', 400, 'bad_request', { body: Buffer.from('{"name":"\u00ff"}', 'latin1') }],
      ['POST /v1/shelves', 413, 'payload_too_large', { body: ' '.repeat(65_537) }],
      ['GET /v1/books/1000', 502, 'upstream_protocol_error'],
      ['GET /v1/books/7', 502, 'upstream_connect_failed', { host: 'away' }],
      ['GET /v1/books/7', 400, 'bad_request', { headers: { 'x-wait': 'long' } }],
    ] as [string, number, string, Asked?][]) {
      const answer = await ask(line, sent);
      const problem = answer.json();
      assert.deepEqual(
        [answer.status, problem['reason'] ?? problem['type']],
        [status, reason],
        `${line} ${answer.text}`,
      );
    }
  });

  it('has a deadline, which the server is told', async () => {
    const answer = await ask('GET /v1/books/0', { headers: { 'x-wait': '300m' } });
    assert.equal(answer.status, 504, answer.text);
    assert.ok(books.lastTimeoutMs <= 300);
    await eventually(() => books.cancelled > 0, { what: 'the call is taken back' });
  });

  it('is found behind what other filters do', async () => {
    assert.deepEqual((await ask('GET /api/books/7', { host: 'mounted' })).json()['id'], '7');
    const changed = await ask('POST /v1/shelves', { host: 'changed', body: '{"named":"a","theme":"b"}' });
    assert.deepEqual([changed.status, changed.text], [200, '{"name":"a"}']);
    assert.deepEqual(lastRequest().message, { shelf: { name: 'a', theme: 'b' } });
    const first = await ask('GET /v1/books/8', { host: 'cached' });
    const calls = books.requests.length;
    const second = await ask('GET /v1/books/8', { host: 'cached' });
    assert.deepEqual([second.text, books.requests.length], [first.text, calls]);
  });
});

describe('streams', () => {
  it('of answers come message by message', async () => {
    const lines = await ask('GET /v1/shelves:watch?page_size=3');
    assert.equal(lines.headers['content-type'], 'application/x-ndjson');
    assert.equal(lines.text, '{"name":"shelves/1"}\n{"name":"shelves/2"}\n{"name":"shelves/3"}\n');
    const events = await ask('GET /v1/shelves:watch?page_size=1', {
      headers: { accept: 'text/event-stream' },
    });
    assert.equal(events.headers['content-type'], 'text/event-stream');
    assert.equal(events.text, 'data: {"name":"shelves/1"}\n\n');
    const many = await ask('GET /v1/shelves:watch?page_size=20000');
    assert.equal(many.text.trimEnd().split('\n').length, 20_000);
  });

  it('of answers end with the error that they fail with', async () => {
    const failed = await ask('GET /v1/shelves:watch?page_size=1&page_token=fail');
    assert.equal(failed.status, 200);
    assert.equal(failed.text, '{"name":"shelves/1"}\n{"error":{"code":8,"message":"enough"}}\n');
    const refused = await ask('GET /v1/shelves:watch?page_token=refuse');
    assert.deepEqual([refused.status, refused.json()], [429, { code: 8, message: 'enough' }]);
  });

  it('of answers tell of a server that dies', async () => {
    const text = ask('GET /v1/shelves:watch?page_size=1&page_token=hang', { host: 'mortal' });
    await eventually(() => mortal.requests.length > 0, { what: 'the call has come' });
    mortal.kill();
    assert.match((await text).text, /^(\{"name":"shelves\/1"\}\n)?\{"error":\{"code":14,.*\}\n$/);
  });

  it('of answers are taken back when their client goes', async () => {
    const earlier = books.cancelled;
    const asked = httpRequest({
      port,
      path: '/v1/shelves:watch?page_size=1&page_token=hang',
      headers: { host: 'books.test' },
    });
    asked.on('error', () => {
      // It is taken back.
    });
    asked.on('response', (response) => response.once('data', () => asked.destroy()));
    asked.end();
    await eventually(() => books.cancelled > earlier, { what: 'the call is taken back' });
  });

  it('of requests are items of an array, or lines', async () => {
    const expected = { shelves: [{ name: 'a' }, { name: 'b' }] };
    const array = await ask('POST /v1/books:import', { body: '[{"title":"a"},{"title":"b"}]' });
    assert.deepEqual(array.json(), expected);
    const lines = await ask('POST /v1/books:import', {
      body: '{"title":"a"}\n{"title":"b"}\n',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    assert.deepEqual(lines.json(), expected);
    const empty = await ask('POST /v1/books:import', { body: '[]' });
    assert.deepEqual(empty.json(), {});
    assert.deepEqual((await ask('POST /v1/books:import')).json(), {});
  });

  it('of requests are refused at the item that is wrong', async () => {
    const answer = await ask('POST /v1/books:import', { body: '[{"title":"a"},{"title":7}]' });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json()['errors'], [
      { in: 'body', pointer: '/1/title', detail: 'must be a string, is a number' },
    ]);
  });

  it('go both ways at once', async () => {
    const heard: string[] = [];
    const asked = httpRequest({
      port,
      method: 'POST',
      path: '/v1/books:chat',
      headers: { host: 'books.test', 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' },
    });
    const ended = new Promise<void>((resolve, reject) => {
      asked.on('error', reject);
      asked.on('response', (response) => {
        response.setEncoding('utf8');
        response.on('data', (text: string) => heard.push(text));
        response.on('end', resolve);
      });
    });
    for (const title of ['a', 'b']) {
      asked.write(`{"title":"${title}"}\n`);
      await eventually(() => heard.at(-1) === `{"title":"${title}"}\n`, { what: `${title} comes back` });
    }
    asked.end();
    await ended;
  });
});
