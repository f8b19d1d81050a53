import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { type Answer, type Filter, RefusedBody, takesBody, watchesBody } from '@causeway/filters/filter';

import { behindFilters as behind } from '../testing/behind-filters.ts';
import type { Serve } from '../testing/node-fixture.ts';
import {
  type Ask,
  ask,
  readToEnd,
  keepAliveAgent,
  openSocket,
  sendRaw,
  until,
} from '../testing/http-client.ts';

const filter = (hooks: Partial<Filter>): Filter => ({ kind: 'test', name: 'test', ...hooks });
const echo: Serve = (request, response) => {
  response.setHeader('x-seen', request.headers['x-added'] ?? '');
  request.pipe(response);
};
const later = async <T>(value: T): Promise<T> => {
  await pass(5);
  return value;
};
const answered = (body: string, status = 200): Answer => ({
  kind: 'answer',
  status,
  fields: ['content-type', 'text/plain'],
  body: Buffer.from(body),
});
const upper = (chunk: Uint8Array): Buffer => Buffer.from(Buffer.from(chunk).toString('latin1').toUpperCase());

describe('filters of a live exchange', () => {
  it('edit both heads, at once or after a wait', async (context) => {
    for (const sooner of [<T>(value: T) => value, later]) {
      const fixture = await behind(
        context,
        [
          filter({
            onRequestHead: (exchange) => {
              exchange.upstreamFields.push(
                'x-added',
                `${exchange.method} ${exchange.path} ${exchange.routeName}`,
              );
              return sooner(undefined);
            },
            onResponseHead: (exchange) => {
              exchange.responseStatus = 202;
              exchange.responseFields.push('x-more', 'yes');
              return sooner(undefined);
            },
          }),
        ],
        echo,
      );
      const body = 'x'.repeat(200_000);
      const answer = await ask({ port: fixture.port(), path: '/a?b', method: 'POST', body });
      assert.equal(answer.status, 202);
      assert.deepEqual([answer.headers['x-seen'], answer.headers['x-more']], ['POST /a default/r', 'yes']);
      assert.equal(answer.body, body);
    }
  });

  it('answer in the place of the upstream, and for HEAD with the head alone', async (context) => {
    let isAsked = false;
    const fixture = await behind(context, [filter({ onRequestHead: () => later(answered('here')) })], () => {
      isAsked = true;
    });
    const agent = keepAliveAgent(context);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const { status, headers, body } = await ask({ port: fixture.port(), method, agent });
      assert.deepEqual(
        [status, headers['content-length'], body],
        [200, '4', method === 'HEAD' ? '' : 'here'],
      );
    }
    assert.equal(isAsked, false);
    assert.deepEqual(
      fixture.records.map(({ status, reason }) => [status, reason]),
      [200, 200, 200].map((status) => [status, undefined]),
    );
  });

  it('change bodies both ways, whatever they wait for', async (context) => {
    for (const sooner of [<T>(value: T) => value, later]) {
      const end = (text: string) => () => sooner(Buffer.from(text));
      const fixture = await behind(
        context,
        [
          filter({
            onRequestHead: () => sooner(takesBody),
            onRequestChunk: (chunk) => sooner(upper(chunk)),
            onRequestEnd: end('!'),
            onResponseHead: () => sooner(takesBody),
            onResponseChunk: (chunk) => sooner(chunk),
            onResponseEnd: end('?'),
          }),
        ],
        echo,
      );
      const body = 'abc'.repeat(100_000);
      for (const headers of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
        const answer = await ask({ port: fixture.port(), method: 'POST', headers, body });
        assert.equal(answer.body, `${body.toUpperCase()}!?`);
        assert.equal(answer.headers['content-length'], undefined);
      }
    }
  });

  it('have nothing put in the place of bytes that one of them still has', async (context) => {
    for (const waits of [false, true]) {
      let passed = 0;
      let upstream: ServerResponse | undefined;
      const fixture = await behind(
        context,
        [
          filter({
            onRequestHead: (exchange) => {
              exchange.callGrpc({});
              return watchesBody;
            },
            onRequestChunk: () => {
              throw new RefusedBody({ kind: 'refusal', reason: 'bad_request' });
            },
            onResponseHead: () => takesBody,
            onResponseChunk: (chunk) => {
              passed += 1;
              return waits && passed > 1 ? new Promise(() => {}) : chunk;
            },
          }),
        ],
        (_, response) => {
          upstream = response;
          response.writeHead(200, { 'content-type': 'application/grpc-web' });
          response.write(Buffer.alloc(5));
        },
      );
      const socket = await openSocket(context, fixture.port());
      const received = readToEnd(socket);
      const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web\r\n';
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      await until('a message passes', () => passed === 1);
      upstream!.write(Buffer.alloc(5));
      await until('another one comes', () => passed === 2);
      socket.write('1\r\nx\r\n');
      assert.equal((await received).includes('grpc-status: 3\r\n'), !waits);
    }
  });

  it('change the status to one with a body, or without, and the next answer stands where it should', async (context) => {
    const statusOf = (path: string): number => Number(path.slice(1, 4));
    const made: Filter[][] = [
      [filter({ onRequestHead: ({ path }) => answered('body', statusOf(path)) })],
      [filter({ onResponseHead: (exchange) => void (exchange.responseStatus = statusOf(exchange.path)) })],
      [
        filter({ onResponseHead: () => takesBody }),
        filter({ onRequestHead: () => answered('body') }),
        filter({ onResponseHead: (exchange) => void (exchange.responseStatus = statusOf(exchange.path)) }),
      ],
      [filter({ onRequestHead: () => answered('body'), onResponseHead: () => watchesBody })],
    ];
    for (const [index, filters] of made.entries()) {
      const fixture = await behind(context, filters, ({ url = '' }, response) => {
        if (url.endsWith('/304')) response.writeHead(304, { 'content-length': '9' }).end();
        else if (url.endsWith('/204')) response.writeHead(204).end();
        else response.end('body');
      });
      const paths = ['/205', '/204', '/304', '/200/304', '/200/204', '/205/304', '/200'];
      const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n`;
      const requests = paths.map((path) => `${head(path)}\r\n`).join('');
      const received = await sendRaw(
        context,
        fixture.port(),
        `${requests}${head('/200')}Connection: close\r\n\r\n`,
      );
      const answers = received.split(/(?=HTTP\/1\.1 \d)/);
      assert.equal(answers.length, paths.length + 1, `${index}: ${received}`);
      for (const answer of answers) {
        const [heading = '', body = ''] = answer.split('\r\n\r\n');
        const status = statusOf(heading.slice('HTTP/1.1'.length));
        const length = /content-length: (\d+)/i.exec(heading)?.[1];
        const isChunked = heading.includes('transfer-encoding');
        if (status === 204 || status === 304)
          assert.deepEqual([body, length, isChunked], ['', undefined, false], answer);
        else if (status === 205) assert.deepEqual([body, length], ['', '0'], answer);
        else if (!isChunked) assert.equal(length, String(body.length), answer);
      }
    }
  });

  it('fail closed: 500 internal, counted, and the node lives', async (context) => {
    const broken = () => {
      throw new Error('a test wants it so');
    };
    const brokenLater = async () => later(undefined).then(broken);
    const hooks: Partial<Filter>[] = [
      { onRequestHead: broken },
      { onRequestHead: brokenLater },
      { onResponseHead: broken },
      { onResponseHead: brokenLater },
      { onRequestHead: () => takesBody, onRequestChunk: broken },
      { onRequestHead: (exchange) => void exchange.upstreamFields.push('x', 'a\r\nb: c') },
      { onResponseHead: (exchange) => void exchange.responseFields.push('content-length', '1') },
    ];
    for (const hook of hooks) {
      const fixture = await behind(context, [filter(hook)], echo);
      const post: Ask = { port: fixture.port(), method: 'POST', body: 'hello' };
      const { status, body } = await ask(post);
      assert.deepEqual([status, JSON.parse(body).reason], [500, 'internal'], Object.keys(hook).join());
      assert.equal((await ask(post)).status, 500);
      assert.equal(fixture.node.activeRequests, 0);
    }
    const fixture = await behind(context, [filter({ onRequestHead: broken })], echo);
    await ask({ port: fixture.port() });
    assert.deepEqual(fixture.filterErrors, ['test']);
  });

  it('cut a response that has begun when its body cannot be filtered', async (context) => {
    const fixture = await behind(
      context,
      [
        filter({
          onResponseHead: () => takesBody,
          onResponseChunk: (chunk) => {
            if (chunk.length < 100) throw new Error('a test wants it so');
            return chunk;
          },
        }),
      ],
      (_request, response) => {
        response.write('x'.repeat(1000));
        setTimeout(() => response.end('short'), 50);
      },
    );
    await assert.rejects(ask({ port: fixture.port() }));
    assert.deepEqual(
      fixture.records.map(({ reason }) => reason),
      ['internal'],
    );
  });

  it('do not outlive the exchange: a client that goes away ends the wait', async (context) => {
    const ended: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const fixture = await behind(
      context,
      [
        filter({
          onRequestHead: () => promise,
          onEnd: (_exchange, { status, reason }) => ended.push([status, reason]),
        }),
      ],
      echo,
    );
    const socket = await openSocket(context, fixture.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the filter waits', () => fixture.node.activeRequests === 1);
    socket.resetAndDestroy();
    await until('the exchange is over', () => fixture.records.length === 1);
    resolve(undefined);
    await pass(5);
    assert.deepEqual(ended, [[499, 'client_closed']]);
    assert.equal((await ask({ port: fixture.port() })).status, 200, 'others are served');
  });

  it('do not make a client wait for ever', async (context) => {
    const fixture = await behind(
      context,
      [filter({ onRequestHead: () => new Promise<undefined>(() => {}) })],
      echo,
      {
        timeouts: { requestMs: 100 },
      },
    );
    assert.equal((await ask({ port: fixture.port() })).status, 504);
  });

  it('see refusals of the gateway as responses', async (context) => {
    const fixture = await behind(
      context,
      [
        filter({
          onResponseHead: (exchange) =>
            void exchange.responseFields.push('x-seen', String(exchange.responseStatus)),
        }),
      ],
      (request) => request.socket.destroy(),
    );
    const { status, headers } = await ask({ port: fixture.port() });
    assert.deepEqual([status, headers['x-seen']], [502, '502']);
  });

  it('keep a fast upstream from filling the memory while they wait', async (context) => {
    let written = 0;
    const fixture = await behind(
      context,
      [filter({ onResponseHead: () => takesBody, onResponseChunk: (chunk) => later(chunk) })],
      async (_request, response) => {
        for (; written < 20_000_000; written += 65_536)
          if (!response.write(Buffer.alloc(65_536))) await once(response, 'drain');
        response.end();
      },
    );
    const { body } = await ask({ port: fixture.port() });
    assert.equal(body.length, written);
  });
});
