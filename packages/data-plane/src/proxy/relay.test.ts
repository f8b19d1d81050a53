import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Compiled } from '@causeway/proto/compiled';

import {
  endpoints,
  gatewayItem,
  type NodeFixture,
  type Serve,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';
import {
  type Ask,
  ask,
  askHead,
  keepAliveAgent,
  openSocket,
  readToEnd,
  sendRaw,
  until,
} from '../testing/http-client.ts';

/** A node whose only Route leads to `listener`. */
async function before(
  context: TestContext,
  listener: Serve,
  items: readonly Compiled[] = [],
): Promise<NodeFixture> {
  const { port } = await startUpstream(context, listener);
  return nodeBefore(context, port, items);
}

async function nodeBefore(
  context: TestContext,
  port: number,
  items: readonly Compiled[] = [],
): Promise<NodeFixture> {
  return startNode(context, {
    items: [routeItem('r', '/'), serviceItem('r'), ...items],
    endpoints: [endpoints('r', [port])],
  });
}

const withTimeouts = (timeouts: object): Compiled => routeItem('r', '/', { timeouts });

/** An upstream of raw bytes: calls `serve` for each connection. */
async function rawUpstream(context: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    context.after(() => void socket.destroy());
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => void server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

const reasonOf = ({ body }: { body: string }): unknown => JSON.parse(body).reason;

describe('relay: bodies', () => {
  it('carries bodies both ways unchanged, counted and chunked', async (context) => {
    const fixture = await before(context, (request, response) => void request.pipe(response));
    const bytes = Buffer.alloc(3_000_000, 'causeway');
    const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    for (const headers of [{ 'content-length': String(bytes.length) }, { 'transfer-encoding': 'chunked' }]) {
      const response = await askHead({ port: fixture.port(), method: 'POST', headers, body: bytes });
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      assert.equal(digest(Buffer.concat(chunks)), digest(bytes));
    }
    const [record] = fixture.records;
    assert.deepEqual([record?.bytesIn, record?.bytesOut], [bytes.length, bytes.length]);
  });

  it('regenerates framing: the length when it is known, chunks otherwise', async (context) => {
    const seen: unknown[] = [];
    const fixture = await before(context, (request, response) => {
      request.resume();
      seen.push([request.headers['content-length'], request.headers['transfer-encoding']]);
      if (request.url === '/counted') response.setHeader('content-length', 2);
      response.write('o');
      response.end('k');
    });
    const port = fixture.port();
    const head = 'Host: a\r\nConnection: close\r\n';
    const counted = `POST /counted HTTP/1.1\r\n${head}Content-Length: 003\r\n\r\nabc`;
    assert.match(
      await sendRaw(context, port, counted),
      /\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok$/,
    );
    const socket = await openSocket(context, port);
    socket.write(`POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n`);
    const received = readToEnd(socket);
    await until('the upstream has both heads', () => seen.length === 2);
    socket.write('0\r\nTrailer: x\r\n\r\n');
    assert.match(
      await received,
      /\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n$/,
    );
    assert.deepEqual(seen, [
      ['3', undefined],
      [undefined, 'chunked'],
    ]);
  });

  it('gives no body for HEAD, 204 and 304, and goes on with the connection', async (context) => {
    const fixture = await before(context, (request, response) => {
      if (request.url === '/204') response.writeHead(204).end();
      else if (request.url === '/304') response.writeHead(304, { etag: '"a"', 'content-length': '9' }).end();
      else response.writeHead(200, { 'content-length': '9' }).end('012345678');
    });
    const [port, agent] = [fixture.port(), keepAliveAgent(context)];
    const head = await ask({ port, agent, method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '9', '']);
    const empty = await ask({ port, agent, path: '/204' });
    assert.deepEqual([empty.status, empty.headers['content-length'], empty.body], [204, undefined, '']);
    const unchanged = await ask({ port, agent, path: '/304' });
    assert.deepEqual([unchanged.status, unchanged.headers['etag'], unchanged.body], [304, '"a"', '']);
    assert.equal((await ask({ port, agent })).body, '012345678');
    assert.equal(fixture.node.counts.open, 1);
  });

  it('ends an HTTP/1.0 response by closing, without chunks', async (context) => {
    const fixture = await before(context, (_request, response) => {
      response.write('o');
      response.end('k');
    });
    const received = await sendRaw(context, fixture.port(), 'GET / HTTP/1.0\r\n\r\n');
    assert.match(received, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    assert.ok(!/transfer-encoding/i.test(received));
  });

  it('lets a slow reader slow the upstream down, within bounded memory', async (context) => {
    let taken = 0;
    const pour = (response: ServerResponse): void => {
      const chunk = Buffer.alloc(65_536);
      while (taken < 200_000_000) {
        taken += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', () => pour(response));
      }
      response.end();
    };
    const fixture = await before(context, (_request, response) => pour(response));
    const response = await askHead({ port: fixture.port() });
    response.pause();
    let last = -1;
    await until('the upstream waits', () => {
      const waits = taken === last;
      last = taken;
      return waits && taken > 0;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(taken < 40_000_000, `${taken} bytes are on their way`);
    let received = 0;
    for await (const chunk of response) received += chunk.length;
    assert.ok(received >= 200_000_000, String(received));
  });

  it('lets a slow upstream slow the sender down', async (context) => {
    const gate = Promise.withResolvers<void>();
    const fixture = await before(context, async (request, response) => {
      await gate.promise;
      let received = 0;
      for await (const chunk of request) received += chunk.length;
      response.end(String(received));
    });
    const request = httpRequest({ port: fixture.port(), host: '127.0.0.1', method: 'POST', agent: false });
    const answered = once(request, 'response');
    let sent = 0;
    const pour = (): void => {
      const chunk = Buffer.alloc(65_536);
      while (sent < 90_000_000) {
        sent += chunk.length;
        if (!request.write(chunk)) return void request.once('drain', pour);
      }
      request.end();
    };
    pour();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(sent < 40_000_000, `${sent} bytes are on their way`);
    gate.resolve();
    const [response] = await answered;
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.equal(Number(body), sent);
  });
});

describe('relay: heads', () => {
  it('forwards 103, answers 100 itself once the request is accepted, and gives neither to HTTP/1.0', async (context) => {
    const fixture = await before(context, async (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.end(`${body} ${request.headers.expect ?? 'nothing'}`);
    });
    const socket = await openSocket(context, fixture.port());
    socket.write(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    );
    const received = readToEnd(socket);
    await once(socket, 'data');
    socket.write('hello');
    const text = await received;
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\n/);
    assert.match(
      text,
      /HTTP\/1\.1 103 Early Hints\r\nlink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/i,
    );
    assert.match(text, /hello nothing/);
    const old = await sendRaw(context, fixture.port(), 'GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    assert.match(old, /^HTTP\/1\.1 200 OK/);
  });

  it('does not ask for a body that it will not forward', async (context) => {
    const fixture = await before(context, () => assert.fail('the upstream was asked'));
    const head = 'Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
    const received = await sendRaw(context, fixture.port(), `POST /a%2fb HTTP/1.1\r\n${head}`);
    assert.match(received, /^HTTP\/1\.1 400 Bad Request\r\n[^]*connection: close/);
  });

  it('keeps what the upstream must see: repeated fields, their case, and bytes beyond ASCII', async (context) => {
    let seen: string[] = [];
    const fixture = await before(context, (request, response) => {
      seen = request.rawHeaders;
      response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Bytes', '\xe9']).end();
    });
    const received = await sendRaw(
      context,
      fixture.port(),
      'GET / HTTP/1.1\r\nHost: A.test:80\r\nX-a: 1\r\nx-A: 2\r\n__proto__: x\r\nX-Bytes: \x85admin\xa0\r\nConnection: close\r\n\r\n',
    );
    assert.deepEqual(seen.slice(0, 2), ['host', 'A.test:80']);
    const rest = seen.slice(seen.indexOf('X-a'), seen.indexOf('x-forwarded-for'));
    assert.deepEqual(rest, ['X-a', '1', 'x-A', '2', '__proto__', 'x', 'X-Bytes', '\x85admin\xa0']);
    assert.match(received, /Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Bytes: \xe9\r\n/);
  });

  it('proxies an upgrade as an ordinary request', async (context) => {
    const fixture = await before(context, (request, response) =>
      response.end(request.headers.upgrade ?? 'no upgrade'),
    );
    const received = await sendRaw(
      context,
      fixture.port(),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
    );
    assert.match(received, /^HTTP\/1\.1 200 OK[^]*no upgrade/);
  });

  it('answers OPTIONS * itself', async (context) => {
    const fixture = await before(context, () => assert.fail('the upstream was asked'));
    const received = await sendRaw(
      context,
      fixture.port(),
      'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    assert.match(received, /^HTTP\/1\.1 204 No Content\r\nx-request-id: /);
  });
});

describe('relay: when things go wrong', () => {
  it('lets the upstream know at once that the client is gone', async (context) => {
    let isClosed = false;
    let isAsked = false;
    const fixture = await before(context, (_request, response) => {
      isAsked = true;
      response.on('close', () => {
        isClosed = true;
      });
    });
    const socket = await openSocket(context, fixture.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the upstream is asked', () => isAsked);
    socket.resetAndDestroy();
    await until('the upstream sees the end', () => isClosed);
    await until('the exchange is over', () => fixture.records.length === 1);
    const [record] = fixture.records;
    assert.deepEqual(
      [record?.status, record?.reason, fixture.node.activeRequests],
      [499, 'client_closed', 0],
    );
  });

  it('answers a client that has ended its side, and ends the connection then', async (context) => {
    const fixture = await before(context, (_request, response) => {
      setTimeout(() => response.end('late'), 50);
    });
    const socket = await openSocket(context, fixture.port());
    socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await readToEnd(socket)).split('late').length, 3);
  });

  it('ends a stream whose client has ended its side', async (context) => {
    let isClosed = false;
    const fixture = await before(context, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      response.on('close', () => {
        isClosed = true;
      });
    });
    const socket = await openSocket(context, fixture.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.end();
    await until('the upstream sees the end', () => isClosed);
  });

  it('shows the client that a response is not complete, counted or chunked', async (context) => {
    const head = 'HTTP/1.1 200 OK\r\n';
    for (const start of [
      `${head}Content-Length: 10\r\n\r\nhi`,
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n`,
    ]) {
      const port = await rawUpstream(context, (socket) => socket.once('data', () => socket.end(start)));
      const fixture = await nodeBefore(context, port);
      const received = await sendRaw(context, fixture.port(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.match(received, /^HTTP\/1\.1 200 OK/);
      assert.ok(!received.endsWith('0\r\n\r\n'), received);
      const [record] = fixture.records;
      assert.deepEqual([record?.status, record?.reason], [200, 'upstream_reset']);
    }
  });

  it('answers 502 with the reason when the upstream fails before its head', async (context) => {
    const reasonFor = async (serve: (socket: Socket) => void): Promise<unknown> => {
      const fixture = await nodeBefore(context, await rawUpstream(context, serve));
      const answer = await ask({ port: fixture.port() });
      assert.equal(answer.status, 502);
      return reasonOf(answer);
    };
    const answering = (text: string) => (socket: Socket) => void socket.once('data', () => socket.end(text));
    assert.equal(await reasonFor(answering('')), 'upstream_reset');
    assert.equal(await reasonFor(answering('garbage')), 'upstream_protocol_error');
    const twice = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi';
    assert.equal(await reasonFor(answering(twice)), 'upstream_protocol_error');
    const fixture = await nodeBefore(context, 1);
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'upstream_connect_failed');
  });

  it('hands on the answer of an upstream that does not wait for the whole body', async (context) => {
    const fixture = await before(context, (_request, response) => response.writeHead(409).end('no'));
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc';
    const received = await sendRaw(context, fixture.port(), head);
    assert.match(received, /^HTTP\/1\.1 409 Conflict\r\n[^]*connection: close[^]*no/i);
    await until('the exchange is over', () => fixture.records.length === 1);
    assert.deepEqual([fixture.records[0]?.status, fixture.records[0]?.reason], [409, undefined]);
  });

  it('answers 502 to a head that must not be sent on, and drops such a hint', async (context) => {
    const bad = 'X: a\x01b\r\n';
    const answer = `HTTP/1.1 103 Early Hints\r\n${bad}\r\nHTTP/1.1 200 OK\r\n${bad}Content-Length: 2\r\n\r\nhi`;
    const port = await rawUpstream(context, (socket) =>
      socket.once('data', () => socket.write(answer, 'latin1')),
    );
    const fixture = await nodeBefore(context, port);
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'upstream_protocol_error');
  });

  it('answers 504 when the head takes longer than responseHead or request allow', async (context) => {
    for (const timeouts of [{ responseHeadMs: 200 }, { requestMs: 200 }]) {
      const fixture = await before(context, () => {}, [withTimeouts(timeouts)]);
      const beganMs = performance.now();
      const answer = await ask({ port: fixture.port() });
      const tookMs = performance.now() - beganMs;
      assert.deepEqual([answer.status, reasonOf(answer)], [504, 'upstream_timeout']);
      assert.ok(tookMs >= 200 && tookMs < 15_000, String(tookMs));
    }
  });

  it('counts responseHead from the end of the request', async (context) => {
    const fixture = await before(
      context,
      async (request, response) => {
        for await (const _ of request);
        response.end('ok');
      },
      [withTimeouts({ responseHeadMs: 200 })],
    );
    const request = httpRequest({ port: fixture.port(), host: '127.0.0.1', method: 'POST', agent: false });
    const answered = once(request, 'response');
    request.write('a');
    await new Promise((resolve) => setTimeout(resolve, 500));
    request.end('b');
    const [response] = await answered;
    assert.equal(response.statusCode, 200);
    response.resume();
  });

  it('cuts a body that stands still, but not a stream', async (context) => {
    const listener: Serve = (request, response) => {
      const type = request.url === '/events' ? 'text/event-stream' : 'text/plain';
      response.writeHead(200, { 'content-type': type }).write('a');
    };
    const fixture = await before(context, listener, [withTimeouts({ idleMs: 200, requestMs: 400 })]);
    const plain = await askHead({ port: fixture.port() });
    plain.resume();
    const [error] = await once(plain, 'error');
    assert.equal(error.message, 'aborted');
    assert.equal(fixture.records[0]?.reason, 'upstream_timeout');
    const stream = await askHead({ port: fixture.port(), path: '/events' });
    stream.on('error', () => {});
    stream.resume();
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(fixture.node.activeRequests, 1);
    stream.destroy();
  });

  it('answers 408 to a client that stops in the middle of its body', async (context) => {
    const timeouts = {
      requestHeadMs: 5000,
      requestBodyIdleMs: 200,
      keepAliveMs: 5000,
      drainDelayMs: 0,
      drainMs: 0,
    };
    const fixture = await before(context, (request) => void request.resume(), [gatewayItem({ timeouts })]);
    const received = await sendRaw(
      context,
      fixture.port(),
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc',
    );
    assert.match(received, /^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close[^]*"request_timeout"/);
    assert.equal(fixture.records[0]?.bytesIn, 3);
  });

  it('holds the limit of bodies: at it, declared over it, and sent over it', async (context) => {
    const fixture = await before(
      context,
      async (request, response) => {
        let bytes = 0;
        for await (const chunk of request) bytes += chunk.length;
        response.end(String(bytes));
      },
      [routeItem('r', '/', { bodyBytesMax: 1000n })],
    );
    const port = fixture.port();
    const post = async (bytes: number, headers: Ask['headers'] = {}) =>
      ask({ port, method: 'POST', headers, body: Buffer.alloc(bytes) });
    assert.equal((await post(1000, { 'content-length': '1000' })).body, '1000');
    assert.equal((await post(1000, { 'transfer-encoding': 'chunked' })).body, '1000');
    for (const headers of [{ 'content-length': '1001' }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await post(1001, headers);
      assert.deepEqual([answer.status, reasonOf(answer)], [413, 'payload_too_large']);
    }
  });

  it('holds the maxActiveRequests of a Route, over a change of it too', async (context) => {
    const gate = Promise.withResolvers<void>();
    const fixture = await before(
      context,
      async (_request, response) => {
        await gate.promise;
        response.end('ok');
      },
      [routeItem('r', '/', { activeRequestsMax: 1 })],
    );
    const port = fixture.port();
    const first = ask({ port });
    await until('the first is under way', () => fixture.node.activeRequests === 1);
    for (const change of [{ activeRequestsMax: 1 }, { activeRequestsMax: 1, priority: 1 }]) {
      await fixture.apply({ items: [routeItem('r', '/', change)] });
      const { status, headers } = await ask({ port });
      assert.deepEqual([status, headers['retry-after']], [503, '1']);
    }
    gate.resolve();
    assert.equal((await first).body, 'ok');
    assert.equal((await ask({ port })).status, 200);
  });

  it('answers 503 with Retry-After over maxActiveRequests, and over the places of an endpoint', async (context) => {
    const gate = Promise.withResolvers<void>();
    const limits = { ...gatewayItem().value } as { limits?: object };
    const gateway = gatewayItem({ limits: { ...limits.limits, activeRequestsMax: 2 } as never });
    const pool = { connectionsMax: 1, waitingMax: 0, idleTimeoutMs: 1000 };
    const slow: Serve = async (_request, response) => {
      await gate.promise;
      response.end('ok');
    };
    const fixture = await before(context, slow, [gateway, serviceItem('r', { pool })]);
    const port = fixture.port();
    const first = ask({ port });
    await until('the first is under way', () => fixture.node.activeRequests === 1);
    const second = await ask({ port });
    assert.deepEqual(
      [second.status, reasonOf(second), second.headers['retry-after']],
      [503, 'overloaded', '1'],
    );
    await fixture.apply({ items: [serviceItem('r'), gateway] });
    const waiting = ask({ port });
    await until('two are under way', () => fixture.node.activeRequests === 2);
    assert.equal(reasonOf(await ask({ port })), 'overloaded');
    gate.resolve();
    assert.deepEqual([(await first).body, (await waiting).body], ['ok', 'ok']);
  });
});
