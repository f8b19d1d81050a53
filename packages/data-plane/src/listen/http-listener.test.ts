import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';

import {
  endpoints,
  gatewayItem,
  type NodeFixture,
  routeItem,
  serviceItem,
  startNode,
  startUpstream,
} from '../testing/node-fixture.ts';
import { ask, keepAliveAgent, openSocket, readToEnd, sendRaw, until } from '../testing/http-client.ts';

interface Limits {
  headBytesMax?: number;
  connectionsMax?: number;
  connectionsPerAddressMax?: number;
  requestsPerConnectionMax?: number;
}

interface Timeouts {
  requestHeadMs?: number;
  keepAliveMs?: number;
}

/** A node before an upstream that answers with the target, after as many milliseconds as its query says. */
async function started(
  context: TestContext,
  limits: Limits = {},
  timeouts: Timeouts = {},
): Promise<NodeFixture & { seen: string[] }> {
  const seen: string[] = [];
  const upstream = await startUpstream(context, (request, response) => {
    request.resume();
    seen.push(`${request.method} ${request.url}`);
    setTimeout(() => response.end(request.url), Number(request.url?.split('?')[1] ?? 0));
  });
  const gateway = gatewayItem({ limits: limits as never, timeouts: timeouts as never });
  const fixture = await startNode(context, {
    items: [gateway, routeItem('r', '/'), serviceItem('r')],
    endpoints: [endpoints('r', [upstream.port])],
  });
  return Object.assign(fixture, { seen });
}

const get = (target: string, rest = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;
const statusesOf = (text: string): string[] =>
  Array.from(text.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => status ?? '');

describe('connections', () => {
  it('answers pipelined requests one at a time and in order', async (context) => {
    const fixture = await started(context);
    const received = await sendRaw(
      context,
      fixture.port(),
      get('/a?50') + get('/b') + get('/c', 'Connection: close\r\n'),
    );
    assert.deepEqual(statusesOf(received), ['200', '200', '200']);
    assert.match(received, /\/a\?50[^]*\/b[^]*\/c/);
    assert.deepEqual(fixture.seen, ['GET /a?50', 'GET /b', 'GET /c']);
  });

  it('handles far more pipelined requests than may wait', async (context) => {
    const fixture = await started(context);
    const received = await sendRaw(
      context,
      fixture.port(),
      get('/x').repeat(500) + get('/y', 'Connection: close\r\n'),
    );
    assert.equal(statusesOf(received).length, 501);
  });

  it('takes no request after one that ends the connection', async (context) => {
    const fixture = await started(context);
    const received = await sendRaw(context, fixture.port(), get('/a', 'Connection: close\r\n') + get('/b'));
    assert.deepEqual([statusesOf(received), fixture.seen], [['200'], ['GET /a']]);
    const refused = await sendRaw(context, fixture.port(), `GET /c HTTP/1.1\r\n\r\n${get('/d')}`);
    assert.deepEqual([statusesOf(refused), fixture.seen], [['400'], ['GET /a']]);
  });

  it('answers what is no HTTP after the request before it has its own answer', async (context) => {
    const fixture = await started(context);
    const received = await sendRaw(context, fixture.port(), `${get('/a?50')}B@D\r\n\r\n`);
    assert.deepEqual(statusesOf(received), ['200', '400']);
    assert.match(
      received,
      /HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\nx-request-id: \S{16}\r\n/,
    );
    assert.deepEqual(
      fixture.records.map(({ reason }) => reason),
      [undefined, 'bad_request'],
    );
  });

  it('refuses a request whose chunks are broken, and cuts it off from the upstream', async (context) => {
    const fixture = await started(context);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const received = await sendRaw(context, fixture.port(), `${head}3\r\nabc\r\nXYZ\r\n`);
    assert.deepEqual(statusesOf(received), ['400']);
    assert.equal(fixture.records[0]?.reason, 'bad_request');
  });

  it('refuses CONNECT, smuggling and duplicate Hosts', async (context) => {
    const fixture = await started(context);
    const attacks: [string, string][] = [
      ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', '501'],
      ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400'],
      [
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        '400',
      ],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', '501'],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na', '400'],
      ['GET / HTTP/1.1\r\nHost: a\r\nConnection: Host\r\n\r\n', '400'],
      ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', '505'],
    ];
    for (const [bytes, status] of attacks) {
      const received = await sendRaw(context, fixture.port(), bytes);
      assert.deepEqual(statusesOf(received), [status], bytes);
    }
    assert.deepEqual(fixture.seen, []);
  });
});

describe('limits of connections', () => {
  it('answers 431 and 414 to heads and targets that are too large, by our own count and by the parser', async (context) => {
    const fixture = await started(context, { headBytesMax: 10_000 });
    const port = fixture.port();
    for (const size of [10_000, 100_000])
      assert.deepEqual(
        statusesOf(await sendRaw(context, port, get('/', `X: ${'x'.repeat(size)}\r\nConnection: close\r\n`))),
        ['431'],
      );
    for (const size of [9000, 100_000])
      assert.deepEqual(
        statusesOf(await sendRaw(context, port, get(`/${'x'.repeat(size)}`, 'Connection: close\r\n'))),
        ['414'],
      );
    assert.deepEqual(statusesOf(await sendRaw(context, port, get('/', 'X: y\r\n'.repeat(1200)))), ['431']);
    assert.deepEqual(fixture.seen, []);
  });

  it('says so and ends the connection after its last request', async (context) => {
    const fixture = await started(context, { requestsPerConnectionMax: 2 });
    const [port, agent] = [fixture.port(), keepAliveAgent(context)];
    assert.equal((await ask({ port, agent })).headers.connection, undefined);
    assert.equal((await ask({ port, agent })).headers.connection, 'close');
    assert.equal((await ask({ port, agent })).status, 200);
  });

  it('closes connections over the limits at once, and counts them', async (context) => {
    const fixture = await started(context, { connectionsMax: 3, connectionsPerAddressMax: 2 });
    const { counts } = fixture.node;
    const kept = [await openSocket(context, fixture.port()), await openSocket(context, fixture.port())];
    await until('two are open', () => counts.open === 2);
    assert.equal(await readToEnd(await openSocket(context, fixture.port())), '');
    assert.deepEqual(counts.refused, { total: 0, address: 1, descriptors: 0 });
    kept[0]?.destroy();
    await until('one is open', () => counts.open === 1);
    assert.equal((await ask({ port: fixture.port() })).status, 200);
  });

  it('answers 408 to a head that does not come to its end, and says nothing to silence', async (context) => {
    const fixture = await started(context, {}, { requestHeadMs: 300 });
    const received = await sendRaw(context, fixture.port(), 'GET / HTTP/1.1\r\nHos');
    assert.match(received, /^HTTP\/1\.1 408 Request Timeout\r\n[^]*request_timeout/);
    assert.equal(await sendRaw(context, fixture.port(), ''), '');
  });

  it('closes an idle connection without a word', async (context) => {
    const fixture = await started(context, {}, { keepAliveMs: 200 });
    const received = await sendRaw(context, fixture.port(), get('/'));
    assert.deepEqual(statusesOf(received), ['200']);
  });

  it('goes on serving a connection after a refusal that has read the whole request', async (context) => {
    const fixture = await started(context);
    const socket = await openSocket(context, fixture.port());
    socket.write(get('/a%2fb'));
    const [first] = await once(socket, 'data');
    assert.match(String(first), /^HTTP\/1\.1 400/);
    const beganMs = performance.now();
    socket.write(get('/b', 'Connection: close\r\n'));
    assert.match(await readToEnd(socket), /^HTTP\/1\.1 200/);
    assert.ok(performance.now() - beganMs < 15_000);
  });

  it('lets a client that still sends read its refusal', async (context) => {
    const fixture = await started(context);
    const declared = 200 * 1024 * 1024;
    const socket = await openSocket(context, fixture.port());
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${declared}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 * 1024);
    const sender = setInterval(() => socket.write(chunk), 5);
    context.after(() => clearInterval(sender));
    const received = await readToEnd(socket);
    assert.match(received, /^HTTP\/1\.1 413 Content Too Large|^HTTP\/1\.1 413 Payload Too Large/);
    assert.match(received, /payload_too_large/);
  });
});
