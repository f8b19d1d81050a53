import assert from 'node:assert/strict';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttp2, createSecureServer, type Http2ServerRequest } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { before, describe, it, type TestContext } from 'node:test';
import { type handleUnaryCall, Server, ServerCredentials, status as GrpcStatus } from '@grpc/grpc-js';
import { systemClock } from '@causeway/runtime/clock';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { until } from '../testing/http-client.ts';
import { listenRaw, rawUpstream, startRaw } from '../testing/raw-upstream.ts';
import { createUpstreamTls } from '../upstream/tls-settings.ts';
import { type ActiveCheck, bodyBytesMax } from './active-check.ts';
import { type CheckedService, runCheck } from './run-check.ts';

const http: ActiveCheck = {
  type: 'http',
  method: 'GET',
  path: '/healthz',
  headers: [],
  statuses: [{ first: 200, last: 399 }],
  body: undefined,
  host: undefined,
  port: undefined,
  grpcService: '',
  intervalMs: 10_000,
  timeoutMs: 5000,
  unhealthyAfter: 3,
  healthyAfter: 2,
};

/** Undefined when all is well, else what is wrong. */
async function check(
  port: number,
  settings: Partial<ActiveCheck> = {},
  service: Partial<CheckedService> = {},
  ownPorts: readonly number[] = [],
): Promise<string | undefined> {
  const result = await runCheck(
    { check: { ...http, ...settings }, protocol: 'http', tls: undefined, ...service },
    { address: '127.0.0.1', port, name: '127.0.0.1', serverName: undefined },
    { clock: systemClock, ownPorts: new Set(ownPorts) },
  );
  assert.ok(result !== undefined);
  return result.isGood ? undefined : result.detail;
}

/** A port at which nobody listens. */
async function freePort(context: TestContext): Promise<number> {
  const server = createHttp();
  const port = await listenRaw(context, server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const startHttp = (context: TestContext, serve: RequestListener) => listenRaw(context, createHttp(serve));

describe('a check by HTTP', () => {
  it('asks as it is told, and takes the statuses that are good', async (context) => {
    const seen: unknown[] = [];
    let status = 204;
    const port = await startHttp(context, ({ method, url, headers }, response) => {
      seen.push([method, url, headers.host, headers['x-probe'], headers['user-agent'], headers.connection]);
      response.writeHead(status).end();
    });
    const asked = { method: 'HEAD', path: '/ready?deep=1', host: 'orders.test' };
    assert.equal(await check(port, { ...asked, headers: [['x-probe', 'yes']] }), undefined);
    status = 302;
    assert.equal(await check(port), undefined);
    status = 503;
    assert.equal(await check(port), 'status 503');
    assert.equal(await check(port, { statuses: [{ first: 503, last: 503 }] }), undefined);
    assert.deepEqual(seen.slice(0, 2), [
      ['HEAD', '/ready?deep=1', 'orders.test', 'yes', 'causeway-health-check', 'close'],
      ['GET', '/healthz', `127.0.0.1:${port}`, undefined, 'causeway-health-check', 'close'],
    ]);
  });

  it('looks for a text in the beginning of the body', async (context) => {
    let body = 'status: ok';
    const port = await startHttp(context, (_request, response) => response.end(body));
    assert.equal(await check(port, { body: 'ok' }), undefined);
    assert.equal(await check(port, { body: 'fine' }), 'body does not contain "fine"');
    body = `${'x'.repeat(bodyBytesMax - 2)}ok${'x'.repeat(100_000)}`;
    assert.equal(await check(port, { body: 'ok' }), undefined);
    body = `${'x'.repeat(bodyBytesMax - 1)}ok`;
    assert.equal(await check(port, { body: 'ok' }), 'body does not contain "ok"');
  });

  it('reads a body that nobody looks at, for servers complain otherwise, but not for ever', async (context) => {
    const resets: unknown[] = [];
    const port = await startHttp(context, ({ url, socket }, response) => {
      socket.on('error', (error) => resets.push(error));
      response.write('x'.repeat(2000));
      setImmediate(() => (url === '/ends' ? response.end('x'.repeat(1000)) : response.write('x')));
    });
    assert.equal(await check(port, { path: '/ends' }), undefined);
    assert.deepEqual(resets, []);
    assert.equal(await check(port, { path: '/endless', timeoutMs: 50 }), undefined);
    assert.equal(await check(port, { path: '/endless', timeoutMs: 50, body: 'ok' }), 'timeout after 50ms');
  });

  it('fails where nothing listens, nothing answers, or something else does', async (context) => {
    assert.equal(await check(await freePort(context)), 'connection refused (ECONNREFUSED)');
    const mute = await rawUpstream(context, () => undefined);
    assert.equal(await check(mute.port, { timeoutMs: 50 }), 'timeout after 50ms');
    await until('the connection is closed', () => mute.sockets.every(({ destroyed }) => destroyed));
    const resets = await startRaw(context, (socket) => socket.resetAndDestroy());
    assert.equal(await check(resets), 'connection reset (ECONNRESET)');
    const closes = await startRaw(context, (socket) => socket.end());
    assert.equal(await check(closes), 'connection reset (ECONNRESET)');
    const other = await startRaw(context, (socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    assert.match((await check(other)) ?? '', /^Parse Error.*\(HPE_/);
  });

  it('says that a POST has no content', async (context) => {
    const heads: string[] = [];
    const port = await startRaw(context, (socket) =>
      socket.on('data', (chunk: Buffer) => {
        heads.push(chunk.toString('latin1'));
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      }),
    );
    assert.equal(await check(port, { method: 'POST' }), undefined);
    assert.match(heads[0] ?? '', /\r\ncontent-length: 0\r\n/i);
    assert.doesNotMatch(heads[0] ?? '', /transfer-encoding/i);
  });

  it('fails at a body that is cut short', async (context) => {
    const port = await startRaw(context, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'),
    );
    assert.match((await check(port)) ?? '', /aborted|closed within its answer|connection reset/);
  });

  it('goes to another port where it is told to, and never to one of our own', async (context) => {
    const port = await startHttp(context, (_request, response) => response.end());
    assert.equal(await check(1, { port }), undefined);
    assert.equal(
      await check(1, { port }, {}, [port]),
      `127.0.0.1:${port} is Causeway itself (ERR_FORBIDDEN_ADDRESS)`,
    );
  });

  it('says nothing where it is this machine that is short of something', async () => {
    const target = { address: '127.0.0.1', port: 1, name: 'a', serverName: undefined };
    const clock = systemClock;
    const service = { check: http, protocol: 'http', tls: undefined } as const;
    const shortage = Object.assign(new Error('no more'), { code: 'EMFILE' });
    const ownPorts = {
      has: () => {
        throw shortage;
      },
    };
    assert.equal(await runCheck(service, target, { clock, ownPorts }), undefined);
  });

  it('does not take a pause of this process for a timeout', async (context) => {
    const port = await startRaw(context, (socket) =>
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'), 100),
    );
    let behindMs = 0;
    const clock = { ...systemClock, monotonicMs: () => performance.now() - behindMs };
    const service = { check: { ...http, timeoutMs: 50 }, protocol: 'http', tls: undefined } as const;
    const target = { address: '127.0.0.1', port, name: '127.0.0.1', serverName: undefined };
    const result = runCheck(service, target, { clock, ownPorts: new Set<number>() });
    behindMs = 3000;
    assert.deepEqual(await result, { isGood: true });
  });
});

describe('a check by TCP', () => {
  it('is content with a connection', async (context) => {
    const port = await startRaw(context, () => {});
    assert.equal(await check(port, { type: 'tcp' }), undefined);
    assert.equal(await check(await freePort(context), { type: 'tcp' }), 'connection refused (ECONNREFUSED)');
  });
});

describe('a check with TLS', () => {
  let authority: TestAuthority;
  let issued: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    issued = await authority.issue({ names: ['orders.test'] });
  });
  const secure = (protocol: 'https' | 'h2', serverName = 'orders.test'): Partial<CheckedService> => ({
    protocol,
    tls: createUpstreamTls({
      serverName,
      trust: [authority.certificate],
      client: undefined,
      verify: true,
      minVersion: 'TLSv1.2',
    }),
  });

  for (const type of ['http', 'tcp'] as const)
    it(`verifies as requests do (${type})`, async (context) => {
      const options = { cert: issued.certificate, key: issued.key };
      const port = await listenRaw(
        context,
        createHttps(options, (_request, response) => response.end()),
      );
      assert.equal(await check(port, { type }, secure('https')), undefined);
      assert.match(
        (await check(port, { type }, secure('https', 'other.test'))) ?? '',
        /altnames.*\(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
      );
    });

  it('does not take a handshake that hangs for a connection', async (context) => {
    const port = await startRaw(context, () => {});
    assert.equal(await check(port, { type: 'tcp', timeoutMs: 50 }, secure('https')), 'timeout after 50ms');
  });

  it('speaks HTTP/2 where requests do', async (context) => {
    const seen: string[] = [];
    const serve = (request: Http2ServerRequest, response: { end(body: string): void }): void => {
      seen.push(`${request.httpVersion} ${request.scheme} ${request.authority} ${request.url}`);
      response.end('ok');
    };
    const options = { cert: issued.certificate, key: issued.key };
    const port = await listenRaw(context, createSecureServer(options, serve));
    assert.equal(await check(port, { body: 'ok' }, secure('h2')), undefined);
    const clear = await listenRaw(context, createHttp2(serve));
    assert.equal(await check(clear, { body: 'ok' }, { protocol: 'h2c' }), undefined);
    assert.equal(await check(clear, { body: 'no' }, { protocol: 'h2c' }), 'body does not contain "no"');
    assert.deepEqual(seen.slice(0, 2), [
      `2.0 https 127.0.0.1:${port} /healthz`,
      `2.0 http 127.0.0.1:${clear} /healthz`,
    ]);
    const http1 = await listenRaw(context, createHttps(options));
    assert.match(
      (await check(http1, {}, secure('h2'))) ?? '',
      /no HTTP\/2|^TLS: .*alert no application protocol \(ERR_SSL_/,
    );
  });
});

describe('a check by gRPC', () => {
  /** A server with the health service, as grpc-js carries it. `answer`: bytes of a HealthCheckResponse, or a status. */
  async function startGrpc(
    context: TestContext,
    answer: (service: string) => Buffer | GrpcStatus,
  ): Promise<number> {
    const server = new Server();
    const path = '/grpc.health.v1.Health/Check';
    const same = (bytes: Buffer): Buffer => bytes;
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    const serve: handleUnaryCall<Buffer, Buffer> = ({ request }, done) => {
      const found = answer(request.subarray(2).toString());
      if (typeof found === 'number') done({ code: found, details: 'no' });
      else done(null, found);
    };
    server.addService({ check: method }, { check: serve });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    context.after(() => server.forceShutdown());
    return port;
  }

  const grpc = { type: 'grpc', path: '', timeoutMs: 5000 } as const;

  it('takes SERVING alone for good, by service', async (context) => {
    const answers: Record<string, Buffer | GrpcStatus> = {
      '': Buffer.from([8, 1]),
      down: Buffer.from([8, 2]),
      unset: Buffer.alloc(0),
      new: Buffer.from([8, 77]),
      late: GrpcStatus.UNAVAILABLE,
      odd: GrpcStatus.DATA_LOSS,
    };
    const port = await startGrpc(context, (service) => answers[service] ?? GrpcStatus.NOT_FOUND);
    const results: Record<string, string | undefined> = {};
    for (const grpcService of [...Object.keys(answers), 'nobody'])
      results[grpcService] = await check(port, { ...grpc, grpcService }, { protocol: 'h2c' });
    assert.deepEqual(results, {
      '': undefined,
      down: 'NOT_SERVING',
      unset: 'UNKNOWN',
      new: 'serving status 77',
      late: 'grpc status 14: unavailable',
      odd: 'grpc status 15',
      nobody: 'grpc status 5: no such service',
    });
    assert.equal(await check(port, grpc), undefined, 'HTTP/2 also where requests are of HTTP/1.1');
  });

  it('fails without a health service, at one that hangs, and at what is no gRPC', async (context) => {
    const server = new Server();
    const port = await new Promise<number>((resolve) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    context.after(() => server.forceShutdown());
    assert.equal(await check(port, grpc), 'grpc status 12: the health service is not implemented');
    const mute = await startRaw(context, () => {});
    assert.equal(await check(mute, { ...grpc, timeoutMs: 50 }), 'timeout after 50ms');
    const plain = await listenRaw(
      context,
      createHttp2((_request, response) => response.end('hello')),
    );
    assert.equal(await check(plain, grpc), 'grpc status missing');
    const old = await startHttp(context, (_request, response) => response.end());
    assert.notEqual(await check(old, grpc), undefined);
  });
});
