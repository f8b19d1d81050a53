// Calls by gRPC through a node, with the library that most of Node's servers and clients of gRPC are written with.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { credentials, ServerCredentials, status } from '@grpc/grpc-js';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { GrpcClient, type GrpcUpstream, serviceName, startGrpc } from '../../kit/upstreams/grpc.ts';

const hello = Buffer.from('hello');

/** A Route of what gRPC names, or of all. */
function grpcRoute(name: string, backend: string, matches: object[], spec: object = {}): Resource {
  return { kind: 'Route', metadata: { name }, spec: { matches, backends: [{ service: backend }], ...spec } };
}

const onHeader = (value: string): object => ({
  grpc: { service: serviceName },
  headers: [{ name: 'x-route', exact: value }],
});

describe('gRPC', () => {
  const scope = new OwnScope();
  let system: System;
  let upstreams: GrpcUpstream[];
  let client: GrpcClient;
  let port: number;
  let accessLog: string;

  before(async () => {
    accessLog = join(await tempDir(scope), 'access.log');
    upstreams = await Promise.all(['a', 'b'].map((name) => startGrpc(scope, name)));
    const [a, b] = upstreams.map((upstream) => upstream.port);
    system = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ accessLog: { output: `file:${accessLog}` } }),
        service('echo', [a!], { protocol: 'grpc' }),
        service('two', [a!, b!], { protocol: 'grpc' }),
        service('tiny', [a!], { protocol: 'grpc', grpc: { maxMessageSize: '1KiB' } }),
        service('away', [1], { protocol: 'grpc' }),
        grpcRoute('echo', 'echo', [{ grpc: { service: serviceName } }]),
        grpcRoute('two', 'two', [onHeader('two')]),
        grpcRoute('tiny', 'tiny', [onHeader('tiny')]),
        grpcRoute('away', 'away', [onHeader('away')]),
        grpcRoute('short', 'echo', [onHeader('short')], { timeouts: { responseHead: '200ms' } }),
        grpcRoute('retried', 'two', [onHeader('retried')], {
          retry: { attempts: 1, grpcCodes: ['unavailable'], methods: ['POST'] },
        }),
        grpcRoute('closed', 'echo', [onHeader('closed')], {
          filters: [{ ipRestriction: { deny: ['0.0.0.0/0'] } }],
        }),
        grpcRoute('one', 'two', [{ ...onHeader('one'), grpc: { service: serviceName, method: 'Join' } }]),
      ],
    });
    port = await system.nodes[0]!.trafficPort();
    client = new GrpcClient(scope, port);
  });
  after(() => scope.end());

  it('carries calls of every kind, with their metadata', async () => {
    const there = Buffer.from([0, 255, 7]);
    const unary = await client.call('Unary', [hello], { 'x-there-bin': there });
    assert.deepEqual([unary.code, unary.messages], [status.OK, [hello]]);
    assert.deepEqual(unary.metadata?.get('x-server'), ['a']);
    assert.deepEqual(unary.trailers.get('x-trailer'), ['at the end']);
    assert.deepEqual(unary.trailers.get('x-back-bin'), [there]);
    const repeat = await client.call('Repeat', [hello], { 'x-count': '3' });
    assert.deepEqual([repeat.code, repeat.messages], [status.OK, [hello, hello, hello]]);
    const joined = await client.call('Join', [hello, hello, Buffer.alloc(0)]);
    assert.deepEqual([joined.code, joined.messages], [status.OK, [Buffer.from('hellohello')]]);
    const chat = client.open('Chat');
    for (const text of ['one', 'two', 'three']) {
      chat.send(Buffer.from(text));
      await eventually(() => chat.messages.at(-1)?.toString(), {
        what: 'it answers',
        until: (last) => last === text,
      });
    }
    chat.end();
    assert.equal((await chat.outcome).code, status.OK);
  });

  it('leaves the statuses of servers as they are, also those without messages', async () => {
    const { code, details, trailers } = await client.call('Unary', [hello], { 'x-code': '5' });
    assert.deepEqual(
      [code, details, trailers.get('x-trailer')],
      [5, 'as it was asked for, é', ['at the end']],
    );
    const headOnly = await client.call('Unary', [hello], { 'x-code': '9', 'x-bare': '1' });
    assert.deepEqual([headOnly.code, headOnly.details], [9, 'bare']);
    for (const grpcStatus of [0, 5, 9])
      await eventually(() => readFile(accessLog, 'utf8'), {
        what: `status ${grpcStatus} is logged`,
        until: (text) => text.includes(`"grpcStatus":${grpcStatus},`),
      });
  });

  it('carries large messages, however slowly they are read', async () => {
    const large = Buffer.alloc(3_000_000, 'x');
    const call = client.open('Repeat', { 'x-count': '8' });
    call.pause();
    call.send(large);
    call.end();
    await eventually(() => upstreams[0]!.calls.Repeat, {
      what: 'it has arrived',
      until: (count) => count !== undefined,
    });
    call.resume();
    const { code, messages } = await call.outcome;
    assert.deepEqual([code, messages.length], [status.OK, 8]);
    assert.ok(messages.every((message) => message.equals(large)));
  });

  it('spreads the calls of one connection over all endpoints', async () => {
    const names: string[] = [];
    for (let call = 0; call < 10; call += 1) {
      const { metadata } = await client.call('Unary', [hello], { 'x-route': 'two' });
      names.push(String(metadata?.get('x-server')[0]));
    }
    assert.deepEqual(names.toSorted(), Array.from('aaaaabbbbb'));
  });

  it('takes a call back that its caller takes back', async () => {
    const earlier = upstreams[0]!.cancelled;
    const call = client.open('Endless');
    call.send(hello);
    call.end();
    await eventually(() => call.messages.length, { what: 'a message comes', until: (count) => count === 1 });
    call.cancel();
    assert.equal((await call.outcome).code, status.CANCELLED);
    await eventually(() => upstreams[0]!.cancelled, {
      what: 'the server knows',
      until: (count) => count === earlier + 1,
    });
  });

  /** The head of the answer to a call that a client does not watch over, and its trailers. */
  async function bare(method: string, fields: Record<string, string>): Promise<IncomingHttpHeaders[]> {
    const session = connect(`http://127.0.0.1:${port}`);
    try {
      return await new Promise((resolve, reject) => {
        const heads: IncomingHttpHeaders[] = [];
        const stream = session.request({
          ':method': 'POST',
          ':path': `/${serviceName}/${method}`,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...fields,
        });
        stream.on('response', (head) => heads.push(head));
        stream.on('trailers', (trailers) => heads.push(trailers));
        stream.on('error', reject);
        stream.on('close', () => resolve(heads));
        stream.resume();
        stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
      });
    } finally {
      session.destroy();
    }
  }

  it('holds callers to their deadline, before the answer and within it', async () => {
    const earlier = upstreams[0]!.cancelled;
    const [head] = await bare('Never', { 'grpc-timeout': '200m' });
    assert.deepEqual([head?.[':status'], head?.['grpc-status']], [200, String(status.DEADLINE_EXCEEDED)]);
    const [, trailers] = await bare('Endless', { 'grpc-timeout': '200000u' });
    assert.equal(trailers?.['grpc-status'], String(status.DEADLINE_EXCEEDED));
    await eventually(() => upstreams[0]!.cancelled, {
      what: 'the server knows',
      until: (count) => count >= earlier + 2,
    });
    const [refused] = await bare('Never', { 'grpc-timeout': 'soon' });
    assert.equal(refused?.['grpc-status'], String(status.INVALID_ARGUMENT));
    const waited = await client.call('Never', [hello], {}, { deadlineMs: 200 });
    assert.equal(waited.code, status.DEADLINE_EXCEEDED);
    await client.call('Unary', [hello], {}, { deadlineMs: 60_000 });
    const told = upstreams[0]!.lastTimeoutMs;
    assert.ok(told > 30_000 && told <= 60_000, `${told}`);
  });

  const refusals: [route: string, code: number, details: RegExp][] = [
    ['away', status.UNAVAILABLE, /^upstream_connect_failed: /],
    ['closed', status.PERMISSION_DENIED, /^forbidden: /],
    ['short', status.DEADLINE_EXCEEDED, /^upstream_timeout: /],
  ];
  for (const [name, code, details] of refusals)
    it(`tells its own refusals as statuses: ${details.source}`, async () => {
      const outcome = await client.call('Never', [hello], { 'x-route': name });
      assert.deepEqual([outcome.code, outcome.messages], [code, []]);
      assert.match(outcome.details, details);
    });

  it('tells that no route takes a call', async () => {
    const call = client.open('Unary', {}, { path: '/test.v1.Other/Unary' });
    call.end();
    const { code, details } = await call.outcome;
    assert.equal(code, status.UNIMPLEMENTED);
    assert.match(details, /^no_route: /);
    const [head] = await bare('../other', {});
    assert.equal(head?.['content-type'], 'application/grpc');
    assert.ok(head?.['x-request-id']);
  });

  for (const [type, encoding] of [
    ['application/grpc-web+proto', 'latin1'],
    ['application/grpc-web-text', 'base64'],
  ] as const)
    it(`tells refusals in the body to callers of ${type}`, async () => {
      for (const [path, route, frame] of [
        ['/test.v1.Other/Unary', '', /^\u0080\0\0\0.grpc-status: 12\r\ngrpc-message: no_route: /s],
        [`/${serviceName}/Unary`, 'closed', /^\u0080\0\0\0.grpc-status: 7\r\ngrpc-message: forbidden: /s],
      ] as const) {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
          method: 'POST',
          headers: { 'content-type': type, 'x-route': route },
          body: '',
        });
        assert.equal(answer.status, 200);
        assert.ok(answer.headers.get('content-type')?.startsWith(type));
        assert.ok(answer.headers.get('x-request-id'));
        assert.equal(answer.headers.get('grpc-status'), null);
        const body = Buffer.from(await answer.arrayBuffer()).toString('latin1');
        assert.match(Buffer.from(body, encoding).toString('latin1'), frame);
      }
    });

  it('lets no message pass that is larger than its Service says', async () => {
    const fits = await client.call('Join', [Buffer.alloc(1024), Buffer.alloc(1024)], { 'x-route': 'tiny' });
    // Each fits, and the answer, which is both, does not.
    assert.equal(fits.code, status.RESOURCE_EXHAUSTED);
    const one = await client.call('Unary', [Buffer.alloc(1024)], { 'x-route': 'tiny' });
    assert.equal(one.code, status.OK);
    const over = await client.call('Unary', [Buffer.alloc(1025)], { 'x-route': 'tiny' });
    assert.equal(over.code, status.RESOURCE_EXHAUSTED);
  });

  it('tries calls again by their status', async () => {
    const earlier = (upstreams[0]!.calls.Unary ?? 0) + (upstreams[1]!.calls.Unary ?? 0);
    const { code } = await client.call('Unary', [hello], {
      'x-route': 'retried',
      'x-code': '14',
      'x-bare': '1',
    });
    assert.equal(code, status.UNAVAILABLE);
    assert.equal((upstreams[0]!.calls.Unary ?? 0) + (upstreams[1]!.calls.Unary ?? 0), earlier + 2);
  });

  it('chooses Routes by service and method', async () => {
    const earlier = upstreams[1]!.calls.Join ?? 0;
    for (let call = 0; call < 2; call += 1) await client.call('Join', [hello], { 'x-route': 'one' });
    assert.equal(upstreams[1]!.calls.Join, earlier + 1);
  });

  it('says so when a server dies within a call', async (t) => {
    const mortal = await startGrpc(t, 'mortal');
    await system.apply([
      service('mortal', [mortal.port], { protocol: 'grpc' }),
      grpcRoute('mortal', 'mortal', [onHeader('mortal')]),
    ]);
    const call = client.open('Endless', { 'x-route': 'mortal' });
    call.send(hello);
    call.end();
    await eventually(() => call.messages.length, { what: 'a message comes', until: (count) => count === 1 });
    mortal.kill();
    const { code, details } = await call.outcome;
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^upstream_reset: /);
  });

  it('loses no call to servers that send their connections away', async (t) => {
    const restless = await startGrpc(t, 'restless', {
      options: { 'grpc.max_connection_age_ms': 100, 'grpc.max_connection_age_grace_ms': 5000 },
    });
    await system.apply([
      service('restless', [restless.port], { protocol: 'grpc' }),
      grpcRoute('restless', 'restless', [onHeader('restless')]),
    ]);
    const codes = new Set<number>();
    const endMs = Date.now() + 1500;
    while (Date.now() < endMs) {
      const calls = Array.from({ length: 5 }, () => client.call('Unary', [hello], { 'x-route': 'restless' }));
      for (const { code } of await Promise.all(calls)) codes.add(code);
    }
    assert.deepEqual([...codes], [status.OK]);
    const metrics = await scrape(system.nodes[0]!);
    assert.ok(metrics.sum('causeway_upstream_pool_events_total', { event: 'opened' }) > 5);
  });

  it('is spoken over TLS on both sides', async (t) => {
    const authority = await TestAuthority.create();
    const issued = await authority.issue({ names: ['echo.test'] });
    const key = { private_key: Buffer.from(issued.key), cert_chain: Buffer.from(issued.certificate) };
    const secure = await startGrpc(t, 'secure', { credentials: ServerCredentials.createSsl(null, [key]) });
    const listeners = [
      { name: 'http', address: '127.0.0.1', port },
      { name: 'tls', address: '127.0.0.1', port: 0, protocol: 'https', tls: { certificates: ['echo'] } },
    ];
    await system.apply([
      {
        kind: 'Certificate',
        metadata: { name: 'echo' },
        spec: { certificate: issued.certificate, key: issued.key },
      },
      { kind: 'Certificate', metadata: { name: 'ca' }, spec: { certificate: authority.certificate } },
      { ...gateway(), spec: { listeners, accessLog: { output: `file:${accessLog}` } } },
      service('secure', [secure.port], {
        protocol: 'grpcs',
        tls: { serverName: 'echo.test', trust: ['ca'] },
      }),
      grpcRoute('secure', 'secure', [onHeader('secure')]),
    ]);
    const tlsPort = await system.nodes[0]!.trafficPort('tls');
    const overTls = new GrpcClient(t, tlsPort, credentials.createSsl(Buffer.from(authority.certificate)), {
      'grpc.ssl_target_name_override': 'echo.test',
    });
    const { code, messages } = await overTls.call('Join', [hello, hello], { 'x-route': 'secure' });
    assert.deepEqual([code, messages], [status.OK, [Buffer.from('hellohello')]]);
  });
});
