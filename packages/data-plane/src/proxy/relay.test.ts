import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { describe, it } from 'node:test';

import { before } from '../testing/node-before.ts';
import {
  ask,
  askHead,
  keepAliveAgent,
  openSocket,
  readToEnd,
  sendRaw,
  until,
} from '../testing/http-client.ts';

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

  it('passes over an upgrade to anything but a WebSocket', async (context) => {
    const fixture = await before(context, (request, response) =>
      response.end(request.headers.upgrade ?? 'no upgrade'),
    );
    const received = await sendRaw(
      context,
      fixture.port(),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
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
    assert.match(received, /^HTTP\/1\.1 204 No Content\r\ndate: .*\r\nx-request-id: /);
  });

  it('answers OPTIONS that may go no further, and counts the hops of others', async (context) => {
    const seen: unknown[] = [];
    const fixture = await before(context, ({ headers }, response) => {
      seen.push(headers['max-forwards']);
      response.end();
    });
    for (const [method, hops] of [
      ['OPTIONS', '0'],
      ['OPTIONS', '5'],
      ['OPTIONS', 'x'],
      ['GET', '0'],
    ])
      await sendRaw(
        context,
        fixture.port(),
        `${method} / HTTP/1.1\r\nHost: a\r\nMax-Forwards: ${hops}\r\nConnection: close\r\n\r\n`,
      );
    assert.deepEqual(seen, ['4', undefined, '0']);
  });
});
