import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '@causeway/filters/filter';
import { takesBody } from '@causeway/filters/filter';

import { ask, keepAliveAgent, openSocket, sendRaw, until } from '../testing/http-client.ts';
import { behindFilters as behind } from '../testing/behind-filters.ts';
import type { Serve } from '../testing/node-fixture.ts';
import { BodyRoom, HeldBody } from './held-body.ts';

const filter = (hooks: Partial<Filter>): Filter => ({ kind: 'test', name: 'test', ...hooks });
const echo: Serve = (request, response) => {
  response.setHeader('x-length', request.headers['content-length'] ?? 'none');
  request.pipe(response);
};

/** A filter that reads both bodies and puts a text before each. */
function prefixing(prefix: string, bytesMax = 1_000_000): Filter {
  return filter({
    async onRequestHead(exchange) {
      const body = await exchange.readRequestBody(bytesMax);
      if (typeof body !== 'string' && exchange.hasRequestBody)
        exchange.replaceRequestBody(Buffer.from(`${prefix}${String(body)}`));
      return undefined;
    },
    async onResponseHead(exchange) {
      const body = await exchange.readResponseBody(bytesMax);
      if (typeof body !== 'string')
        exchange.replaceResponseBody(Buffer.from(`${prefix.toUpperCase()}${String(body)}`));
      return undefined;
    },
  });
}

describe('whole bodies', () => {
  it('are read and replaced, by several filters, with the length that they have then', async (context) => {
    const fixture = await behind(context, [prefixing('a'), prefixing('b')], echo);
    const agent = keepAliveAgent(context);
    for (const size of [1, 100, 300_000])
      for (const headers of [{ 'content-length': String(size) }, { 'transfer-encoding': 'chunked' }]) {
        const body = 'x'.repeat(size);
        const answer = await ask({ port: fixture.port(), method: 'POST', headers, body, agent });
        assert.equal(answer.body, `ABba${body}`);
        assert.equal(answer.headers['x-length'], String(size + 2));
      }
    const got = await ask({ port: fixture.port(), agent });
    assert.deepEqual([got.body, got.headers['x-length']], ['AB', 'none']);
  });

  it('go on as they are where they are too large to be read', async (context) => {
    const fixture = await behind(context, [prefixing('a', 1000), prefixing('b', 100_000)], echo);
    for (const size of [500, 50_000, 3_000_000]) {
      const body = 'x'.repeat(size);
      const expected = size === 500 ? `ABba${body}` : size === 50_000 ? `Bb${body}` : body;
      assert.equal((await ask({ port: fixture.port(), method: 'POST', body })).body, expected, String(size));
    }
  });

  it('are not asked for where they are too large by their head', async (context) => {
    const strict = filter({
      async onRequestHead(exchange) {
        const body = await exchange.readRequestBody(10);
        return body === 'tooLarge' ? { kind: 'refusal', reason: 'payload_too_large' } : undefined;
      },
    });
    const fixture = await behind(context, [strict], echo);
    const post = (length: number) =>
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    assert.match(await sendRaw(context, fixture.port(), post(11)), /^HTTP\/1\.1 413 /);
    const good = await sendRaw(context, fixture.port(), `${post(10)}0123456789`);
    assert.match(good, /^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 [^]*0123456789/);
  });

  it('pass the chunk hooks of filters afterwards', async (context) => {
    const doubling = filter({
      onRequestHead: () => takesBody,
      onRequestChunk: (chunk) => Buffer.concat([chunk, chunk]),
      onResponseHead: () => takesBody,
      onResponseEnd: () => Buffer.from('!'),
    });
    for (const chain of [
      [doubling, prefixing('a')],
      [prefixing('a'), doubling],
    ]) {
      const fixture = await behind(context, chain, echo);
      const { body } = await ask({ port: fixture.port(), method: 'POST', body: 'x' });
      assert.equal(body, 'Aaxax!');
    }
  });

  it('of HEAD and 304 are none, and the next request is not disturbed', async (context) => {
    const fixture = await behind(context, [prefixing('a')], (request, response) => {
      response.writeHead(
        request.url === '/same' ? 304 : 200,
        request.url === '/same' ? {} : { 'content-length': 5 },
      );
      response.end(request.method === 'HEAD' ? undefined : 'hello');
    });
    const agent = keepAliveAgent(context);
    for (const [method, path, body] of [
      ['HEAD', '/', ''],
      ['GET', '/same', ''],
      ['GET', '/', 'Ahello'],
    ] as const) {
      const answer = await ask({ port: fixture.port(), method, path, agent });
      assert.equal(answer.body, body);
      if (method === 'HEAD') assert.equal(answer.headers['content-length'], undefined);
    }
  });

  it('are replaced by nobody who has not read them, so that what still comes follows no other answer', async (context) => {
    for (const blind of [
      filter({ onResponseHead: (exchange) => exchange.replaceResponseBody(Buffer.from('12')) as undefined }),
      filter({ onRequestHead: (exchange) => exchange.replaceRequestBody(Buffer.from('12')) as undefined }),
    ]) {
      const fixture = await behind(context, [blind], echo);
      const { status } = await ask({ port: fixture.port(), method: 'POST', body: 'x'.repeat(100_000) });
      assert.equal(status, 500);
    }
  });

  it('may be refused before their end: the connection closes, and nothing is kept', async (context) => {
    const fixture = await behind(
      context,
      [
        filter({
          onRequestHead: async (exchange) =>
            (await exchange.readRequestBody(10)) === 'tooLarge'
              ? { kind: 'refusal', reason: 'payload_too_large' }
              : undefined,
        }),
      ],
      echo,
    );
    const large = await ask({ port: fixture.port(), method: 'POST', body: 'x'.repeat(500_000) });
    assert.equal(large.status, 413);
    const small = await ask({ port: fixture.port(), method: 'POST', body: 'x' });
    assert.deepEqual([small.status, small.body], [200, 'x']);
    assert.equal(fixture.node.activeRequests, 0);
  });

  it('that a client never ends do not outlive it, nor the deadline of the request', async (context) => {
    const fixture = await behind(context, [prefixing('a')], echo, { timeouts: { requestMs: 300 } });
    const gone = await openSocket(context, fixture.port());
    gone.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await until('the filter waits', () => fixture.node.activeRequests === 1);
    gone.resetAndDestroy();
    await until('it is over', () => fixture.records.length === 1);
    const slow = await openSocket(context, fixture.port());
    slow.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await until('it is over', () => fixture.records.length === 2);
    assert.deepEqual(
      fixture.records.map(({ status }) => status),
      [499, 504],
    );
  });

  it('are read by several at once, each with its own bound', async () => {
    const body = new HeldBody(new BodyRoom());
    const read = [5, 10, 100].map(async (bytesMax) => body.read(bytesMax));
    body.add(Buffer.from('0123'));
    body.add(Buffer.from('4567'));
    assert.equal(await read[0], 'tooLarge');
    assert.ok(body.isWanted);
    body.end();
    assert.deepEqual((await Promise.all(read.slice(1))).map(String), ['01234567', '01234567']);
    assert.ok(!body.isWanted);
  });

  it('have room in a worker for so many bytes', async () => {
    const room = new BodyRoom();
    const first = new HeldBody(room);
    const second = new HeldBody(room);
    first.add(Buffer.alloc(60_000_000));
    first.end();
    assert.equal(typeof (await first.read(100_000_000)), 'object');
    second.add(Buffer.alloc(10_000_000));
    assert.equal(await second.read(100_000_000), 'noRoom');
    first.close();
    second.end();
    assert.equal(typeof (await second.read(100_000_000)), 'object');
  });
});
