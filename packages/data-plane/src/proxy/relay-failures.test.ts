import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { Compiled } from '@causeway/proto/compiled';

import { gatewayItem, routeItem, type Serve, serviceItem } from '../testing/node-fixture.ts';
import { before, nodeBefore } from '../testing/node-before.ts';
import { startRaw } from '../testing/raw-upstream.ts';
import { type Ask, ask, askHead, openSocket, readToEnd, sendRaw, until } from '../testing/http-client.ts';

const withTimeouts = (timeouts: object): Compiled => routeItem('r', '/', { timeouts });

const reasonOf = ({ body }: { body: string }): unknown => JSON.parse(body).reason;

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

  for (const type of ['text/event-stream', 'application/x-ndjson'])
    it(`ends a stream whose client has ended its side: ${type}`, async (context) => {
      let isClosed = false;
      const fixture = await before(context, (_request, response) => {
        response.writeHead(200, { 'content-type': type }).write('{}\n\n');
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

  it('hands a response of known length, whatever its type, to a client that has ended its side', async (context) => {
    const fixture = await before(context, (request, response) => {
      const type = request.url === '/events' ? 'text/event-stream' : 'application/x-ndjson';
      response.writeHead(200, { 'content-type': type, 'content-length': 8 });
      response.write('{}\n');
      setTimeout(() => response.end('{"a"}'), 20);
    });
    for (const target of ['/records', '/events']) {
      const socket = await openSocket(context, fixture.port());
      socket.end(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const received = await readToEnd(socket);
      assert.match(received, /^HTTP\/1\.1 200 OK[^]*\{"a"\}/, target);
    }
  });

  for (const [how, bytes, isReset] of [
    ['ended its side before it began', '', false],
    ['is gone, though bytes of a next request wait', 'G', true],
    ['is gone, though next requests wait', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3), true],
  ] as const)
    it(`ends a silent stream whose client ${how}`, async (context) => {
      const asked: ServerResponse[] = [];
      const fixture = await before(context, (_request, response) => void asked.push(response));
      const socket = await openSocket(context, fixture.port());
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${bytes}`);
      await until('the upstream is asked', () => asked.length === 1);
      const [response] = asked;
      const isClosed = once(response!, 'close');
      const begin = (): void =>
        response!.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      if (isReset) {
        begin();
        await once(socket, 'data');
        socket.resetAndDestroy();
      } else {
        socket.end();
        // The end of the client's side has no effect that could be waited for.
        await new Promise((resolve) => setTimeout(resolve, 50));
        begin();
      }
      await isClosed;
      await until('the exchange is over', () => fixture.records.length === 1);
      assert.equal(fixture.records[0]?.reason, 'client_closed');
    });

  it('shows the client that a response is not complete, counted or chunked', async (context) => {
    const head = 'HTTP/1.1 200 OK\r\n';
    for (const start of [
      `${head}Content-Length: 10\r\n\r\nhi`,
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n`,
    ]) {
      const port = await startRaw(context, (socket) => socket.once('data', () => socket.end(start)));
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
      const fixture = await nodeBefore(context, await startRaw(context, serve));
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
    const port = await startRaw(context, (socket) =>
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
