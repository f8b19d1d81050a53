// Pages that call a server of gRPC through a node: by the library that most of them use, and byte by byte.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  toBinary,
} from '@bufbuild/protobuf';
import {
  AnySchema,
  type BytesValue,
  BytesValueSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { eventually } from '../../kit/eventually.ts';
import { connectHttp2 } from '../../kit/http2-tunnel.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, type Resource, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { GrpcClient, type GrpcUpstream, serviceName, startGrpc } from '../../kit/upstreams/grpc.ts';
import { startHttp2 } from '../../kit/upstreams/http2.ts';

const app = 'https://app.example.com';

/** What pages know of the server. */
const echoFile = (() => {
  const bytes = '.google.protobuf.BytesValue';
  const method = (name: string, serverStreaming: boolean) => ({
    name,
    inputType: bytes,
    outputType: bytes,
    serverStreaming,
  });
  return create(FileDescriptorProtoSchema, {
    name: 'echo.proto',
    package: 'test.v1',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [
      {
        name: 'Echo',
        method: [
          method('Unary', false),
          method('Never', false),
          method('Repeat', true),
          method('Endless', true),
        ],
      },
    ],
  });
})();
const echoService = createFileRegistry(echoFile, () => file_google_protobuf_wrappers).getService(serviceName);

const methodNamed = (name: string): DescMethod => echoService!.methods.find((each) => each.name === name)!;

const frame = (flags: number, message: Uint8Array | string): Buffer => {
  const prefix = Buffer.alloc(5, flags);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, Buffer.from(message)]);
};

/** The frames of a body, `flags message`. */
function framesOf(body: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    assert.ok(end <= body.length, 'the last frame is whole');
    frames.push(`${body[at]} ${body.toString('latin1', at + 5, end)}`);
    at = end;
  }
  return frames;
}

/** Of base64 in segments. */
const textBytes = (text: string): Buffer =>
  Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((segment) => Buffer.from(segment, 'base64')));

const web = 'application/grpc-web+proto';
const webText = 'application/grpc-web-text';

function grpcRoute(name: string, backend: string, filters: object[] = [{ grpcWeb: {} }]): Resource {
  const headers = name === 'echo' ? [] : [{ name: 'x-route', exact: name }];
  const matches = [{ grpc: { service: serviceName }, headers }];
  return {
    kind: 'Route',
    metadata: { name },
    spec: { matches, filters, backends: [{ service: backend }] },
  };
}

describe('gRPC-Web', () => {
  const scope = new OwnScope();
  let system: System;
  let upstream: GrpcUpstream;
  let port: number;
  let accessLog: string;
  /** Streams of an upstream that leaves its answer half said. */
  const halves: ServerHttp2Stream[] = [];

  before(async () => {
    accessLog = join(await tempDir(scope), 'access.log');
    upstream = await startGrpc(scope);
    const page = await startHttp2(scope, {
      answer: (stream) => {
        stream.respond({ ':status': 502, 'content-type': 'text/html', 'set-cookie': 'a=b' });
        stream.end('<h1>Bad gateway</h1>');
      },
    });
    const half = await startHttp2(scope, {
      answer: (stream) => {
        halves.push(stream);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.write(Buffer.from([0, 0, 0, 0, 50, 7]));
      },
    });
    const cors = {
      allowOrigins: [app],
      allowMethods: ['POST'],
      allowHeaders: ['content-type', 'x-grpc-web'],
    };
    const files = create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto, echoFile] });
    const nobody = { authorize: { rules: [{ allow: { consumers: ['nobody'] } }] } };
    system = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ accessLog: { output: `file:${accessLog}` } }),
        service('echo', [upstream.port], { protocol: 'grpc' }),
        service('page', [page.port], { protocol: 'grpc' }),
        service('half', [half.port], { protocol: 'grpc' }),
        service('tiny', [upstream.port], { protocol: 'grpc', grpc: { maxMessageSize: '1KiB' } }),
        grpcRoute('echo', 'echo'),
        grpcRoute('page', 'page'),
        grpcRoute('half', 'half'),
        grpcRoute('tiny', 'tiny'),
        grpcRoute('pages', 'echo', [{ cors }, { grpcWeb: {} }]),
        {
          kind: 'DescriptorSet',
          metadata: { name: 'echo' },
          spec: { data: Buffer.from(toBinary(FileDescriptorSetSchema, files)).toString('base64') },
        },
        grpcRoute('all', 'echo', [{ transcode: { descriptors: 'echo' } }, { grpcWeb: {} }]),
        grpcRoute('closed', 'echo', [{ cors }, nobody, { grpcWeb: {} }]),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
  });
  after(() => scope.end());

  const url = (method: string): string => `http://127.0.0.1:${port}/${serviceName}/${method}`;

  async function post(
    method: string,
    type: string,
    body: Uint8Array | string,
    headers: Record<string, string> = {},
  ) {
    const answer = await fetch(url(method), {
      method: 'POST',
      body: typeof body === 'string' ? body : Buffer.from(body),
      headers: { 'content-type': type, ...headers },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const isText = answer.headers.get('content-type')?.startsWith(webText) === true;
    return { answer, frames: framesOf(isText ? textBytes(bytes.toString('latin1')) : bytes) };
  }

  describe('by the library of pages', () => {
    const value = Buffer.from('hello');
    const transport = () => createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${port}` });

    function unary(name: string, headers: Record<string, string> = {}, timeoutMs?: number) {
      const method = methodNamed(name) as DescMethodUnary;
      return transport().unary(method, undefined, timeoutMs, headers, create(BytesValueSchema, { value }));
    }

    async function stream(name: string, headers: Record<string, string>, signal?: AbortSignal) {
      const method = methodNamed(name) as DescMethodServerStreaming;
      const messages = (async function* () {
        await Promise.resolve();
        yield create(BytesValueSchema, { value });
      })();
      return transport().stream(method, signal, undefined, headers, messages);
    }

    it('carries a call, with metadata in both directions and its deadline', async () => {
      const there = Buffer.from([0, 255, 7]);
      const { message, header, trailer } = await unary(
        'Unary',
        { 'x-there-bin': encodeBinaryHeader(there) },
        60_000,
      );
      assert.deepEqual(Buffer.from((message as BytesValue).value), value);
      assert.equal(header.get('x-server'), 'a');
      assert.equal(header.get('x-trailer'), null);
      assert.equal(trailer.get('x-trailer'), 'at the end');
      assert.deepEqual(Buffer.from(decodeBinaryHeader(trailer.get('x-back-bin')!)), there);
      assert.ok(upstream.lastTimeoutMs > 30_000 && upstream.lastTimeoutMs <= 60_000);
    });

    it('carries a stream of answers, each as it comes', async () => {
      const { message, trailer } = await stream('Repeat', { 'x-count': '3' });
      const answers = await Array.fromAsync(message, (each) =>
        String(Buffer.from((each as BytesValue).value)),
      );
      assert.deepEqual(answers, ['hello', 'hello', 'hello']);
      assert.equal(trailer.get('grpc-status'), '0');
      const earlier = upstream.cancelled;
      const controller = new AbortController();
      const endless = await stream('Endless', {}, controller.signal);
      await assert.rejects(async () => {
        for await (const each of endless.message) {
          assert.equal(String(Buffer.from((each as BytesValue).value)), 'hello');
          controller.abort();
        }
      });
      await eventually(() => upstream.cancelled, {
        what: 'the server knows that it was taken back',
        until: (count) => count === earlier + 1,
      });
    });

    it('tells statuses, with their details and without messages', async () => {
      const any = toBinary(
        AnySchema,
        create(AnySchema, { typeUrl: 'type.test/a.B', value: Buffer.of(8, 1) }),
      );
      const details = Buffer.from([8, 5, 0x1a, any.length, ...any]);
      const call = unary('Unary', { 'x-code': '5', 'x-details-bin': encodeBinaryHeader(details) });
      const error = ConnectError.from(await call.catch((reason: unknown) => reason));
      assert.deepEqual([error.code, error.metadata.get('x-trailer')], [Code.NotFound, 'at the end']);
      assert.deepEqual(
        error.details.map((each) => 'type' in each && each.type),
        ['a.B'],
      );
      const bare = ConnectError.from(
        await unary('Unary', { 'x-code': '9', 'x-bare': '1' }).catch((reason: unknown) => reason),
      );
      assert.deepEqual([bare.code, bare.rawMessage], [Code.FailedPrecondition, 'bare']);
    });
  });

  it('keeps metadata in the head and the rest in the body, also that of an answer without messages', async () => {
    for (const bare of ['', '1']) {
      const headers = { 'x-code': '9', ...(bare && { 'x-bare': bare }) };
      const { answer, frames } = await post('Unary', web, frame(0, 'hello'), headers);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), web);
      for (const name of ['grpc-status', 'grpc-message', 'x-trailer'])
        assert.equal(answer.headers.get(name), null);
      assert.match(frames.at(-1)!, /^128 (?:.*\r\n)?grpc-status: 9\r\n/s);
    }
  });

  it('speaks text, in segments and piece by piece', async () => {
    const message = frame(0, 'x'.repeat(100_000));
    const text = [message.subarray(0, 4), message.subarray(4)]
      .map((part) => part.toString('base64'))
      .join('');
    const { answer, frames } = await post('Repeat', webText, text, { 'x-count': '3' });
    assert.equal(answer.headers.get('content-type'), 'application/grpc-web-text+proto');
    assert.deepEqual(
      frames.map(({ length }, at) => (at < 3 ? length : frames[at])),
      [100_002, 100_002, 100_002, '128 grpc-status: 0\r\n'.concat(frames[3]!.slice(20))],
    );
    const client = await rawConnect(scope, port);
    const body = frame(0, 'hello').toString('base64');
    await client.send(
      `POST /${serviceName}/Endless HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web\r\naccept: ${webText}\r\n` +
        `content-length: ${frame(0, 'hello').length}\r\n\r\n${frame(0, 'hello').toString('latin1')}`,
    );
    const head = await client.expect(`${body}\r\n`);
    assert.match(head, /content-type: application\/grpc-web-text\+proto\r\n/);
    client.reset();
  });

  it('is spoken over HTTP/2', async () => {
    const session = await connectHttp2(scope, `http://127.0.0.1:${port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${serviceName}/Repeat`,
      'content-type': web,
      'x-count': '2',
    });
    let hasTrailers = false;
    stream.on('trailers', () => {
      hasTrailers = true;
    });
    stream.end(frame(0, 'hello'));
    const frames = framesOf(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)));
    assert.deepEqual(frames.slice(0, 2), ['0 hello', '0 hello']);
    assert.match(frames[2]!, /^128 grpc-status: 0\r\n/);
    assert.equal(hasTrailers, false);
  });

  it('leaves native calls on the same Route alone, and compressed messages', async () => {
    const native = await new GrpcClient(scope, port).call('Unary', [Buffer.from('hello')]);
    assert.deepEqual([native.code, native.messages], [0, [Buffer.from('hello')]]);
    const { frames } = await post('Unary', web, frame(1, gzipSync('hello')), { 'grpc-encoding': 'gzip' });
    assert.match(frames.at(-1)!, /grpc-status: 0\r\n/);
  });

  it('shares a Route with native calls and with JSON', async () => {
    const headers = { 'x-route': 'all' };
    const message = Buffer.from(
      toBinary(BytesValueSchema, create(BytesValueSchema, { value: Buffer.from('hello') })),
    );
    const native = await new GrpcClient(scope, port).call('Unary', [message], headers);
    assert.deepEqual([native.code, native.messages], [0, [message]]);
    const { frames } = await post('Unary', web, frame(0, message), headers);
    assert.equal(frames[0], `0 ${message.toString('latin1')}`);
    const json = await fetch(url('Unary'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '"aGVsbG8="',
    });
    assert.deepEqual([json.status, await json.json()], [200, 'aGVsbG8=']);
  });

  it('is explained as nodes do it', async () => {
    for (const [type, detail] of [
      [webText, 'makes a call by gRPC of it'],
      ['application/grpc', 'no gRPC-Web: nothing to do'],
    ] as const) {
      const request = {
        method: 'POST',
        url: `http://a.test/${serviceName}/Unary`,
        headers: [['content-type', type]],
      };
      const answer = await system.admin.call('POST', 'explain', { body: { request } });
      const filters = answer.field('filters') as { effect: { detail: string } }[];
      assert.deepEqual(
        filters.map(({ effect }) => effect.detail),
        [detail],
      );
    }
  });

  const whole = frame(0, 'hello');
  const malformed: [what: string, type: string, body: Uint8Array | string, detail: RegExp][] = [
    ['no base64', webText, '!AAAAAA=', /no base64/],
    ['half a quantum', webText, `${whole.toString('base64')}AA`, /ends within a message/],
    ['half a message', web, whole.subarray(0, -1), /ends within a message/],
    ['trailers', web, Buffer.concat([whole, frame(0x80, 'a: b\r\n')]), /no message/],
  ];
  for (const [what, type, body, detail] of malformed)
    it(`refuses a body with ${what}`, async () => {
      const { answer, frames } = await post('Join', type, body);
      assert.equal(answer.status, 200);
      assert.equal(frames.length, 1);
      assert.match(frames[0]!, /^128 grpc-status: 3\r\ngrpc-message: bad_request: /);
      assert.match(frames[0]!, detail);
    });

  it('refuses other methods, and messages that are too long', async () => {
    const got = await fetch(url('Unary'), { headers: { 'content-type': web } });
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST']);
    const { frames } = await post('Unary', webText, frame(0, 'x'.repeat(1025)).toString('base64'), {
      'x-route': 'tiny',
    });
    assert.match(frames[0]!, /^128 grpc-status: 8\r\n/);
  });

  it('takes a call back whose client is gone within its body', async () => {
    const earlier = { calls: upstream.calls.Join ?? 0, cancelled: upstream.cancelled };
    const client = await rawConnect(scope, port);
    await client.send(
      `POST /${serviceName}/Join HTTP/1.1\r\nhost: a\r\ncontent-type: ${web}\r\ncontent-length: 100\r\n\r\n${whole.toString('latin1')}`,
    );
    await eventually(() => upstream.calls.Join, {
      what: 'it has arrived',
      until: (count) => count === earlier.calls + 1,
    });
    client.reset();
    await eventually(() => upstream.cancelled, {
      what: 'the server knows',
      until: (count) => count === earlier.cancelled + 1,
    });
  });

  it('holds callers to their deadline', async () => {
    const none = await post('Never', web, whole, { 'grpc-timeout': '200m' });
    assert.match(none.frames[0]!, /^128 grpc-status: 4\r\n/);
    const within = await post('Endless', webText, whole.toString('base64'), { 'grpc-timeout': '200m' });
    assert.equal(within.frames[0], '0 hello');
    assert.match(within.frames[1]!, /^128 grpc-status: 4\r\n/);
  });

  it('says so when a server dies between messages', async (t) => {
    const mortal = await startGrpc(t);
    await system.apply([
      service('mortal', [mortal.port], { protocol: 'grpc' }),
      grpcRoute('mortal', 'mortal'),
    ]);
    const answer = await fetch(url('Endless'), {
      method: 'POST',
      headers: { 'content-type': webText, 'x-route': 'mortal' },
      body: whole.toString('base64'),
    });
    const reader = answer.body!.getReader();
    const { value } = await reader.read();
    mortal.kill();
    const frames = framesOf(textBytes(Buffer.concat([value!, (await reader.read()).value!]).toString()));
    assert.equal(frames[0], '0 hello');
    assert.match(frames.at(-1)!, /^128 grpc-status: 14\r\ngrpc-message: upstream_/);
  });

  const endings: [what: string, end: (stream: ServerHttp2Stream) => void][] = [
    ['dies', (stream) => stream.session?.destroy()],
    ['ends', (stream) => stream.end()],
  ];
  for (const [what, end] of endings)
    it(`cuts off when a server ${what} within a message`, async () => {
      for (const type of [web, webText]) {
        const isText = type === webText;
        const answer = await fetch(url('Endless'), {
          method: 'POST',
          headers: { 'content-type': type, 'x-route': 'half' },
          body: isText ? whole.toString('base64') : whole,
        });
        const reader = answer.body!.getReader();
        assert.equal((await reader.read()).value?.length, isText ? 8 : 6);
        end(halves.pop()!);
        await assert.rejects(reader.read());
      }
    });

  it('makes a status of a page that is none of gRPC', async () => {
    for (const type of [web, webText]) {
      const body = type === web ? whole : whole.toString('base64');
      const { answer, frames } = await post('Unary', type, body, { 'x-route': 'page' });
      assert.equal(answer.status, 200);
      assert.equal(frames.length, 1);
      assert.match(frames[0]!, /^128 grpc-status: 14\r\ngrpc-message: upstream_protocol_error: .*502/);
    }
    await eventually(() => readFile(accessLog, 'utf8'), {
      what: 'the log says it',
      until: (text) => text.split('\n').some((line) => /"default\/page".*"grpcStatus":14\b/.test(line)),
    });
  });

  it('is called by pages of known origins, whose preflights come before credentials', async () => {
    for (const [routeName, code] of [
      ['pages', 0],
      ['closed', 7],
    ] as const) {
      const announced = {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-grpc-web',
      };
      const preflight = (origin: string) =>
        fetch(url('Unary'), { method: 'OPTIONS', headers: { origin, 'x-route': routeName, ...announced } });
      const known = await preflight(app);
      assert.deepEqual([known.status, known.headers.get('access-control-allow-origin')], [204, app]);
      assert.match(known.headers.get('access-control-allow-headers') ?? '', /x-grpc-web/);
      const headers = { 'x-grpc-web': '1', 'x-route': routeName };
      const { answer, frames } = await post('Unary', web, whole, { origin: app, ...headers });
      assert.equal(answer.headers.get('access-control-allow-origin'), app);
      assert.match(frames.at(-1)!, new RegExp(`^128 grpc-status: ${code}\r\n`));
      const unknown = await preflight('https://evil.example');
      assert.deepEqual([unknown.status, unknown.headers.get('access-control-allow-origin')], [204, null]);
      const unread = await post('Unary', web, whole, { origin: 'https://evil.example', ...headers });
      assert.equal(unread.answer.headers.get('access-control-allow-origin'), null);
    }
  });
});
