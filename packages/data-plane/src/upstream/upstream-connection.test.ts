import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { UpstreamRequest } from '../proxy/exchange.ts';
import { call, exchange, get, ok, openPool } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { poolContext } from '../testing/pools.ts';
import { type RawUpstream, rawUpstream } from '../testing/raw-upstream.ts';

const post: UpstreamRequest = { ...get, method: 'POST' };
const head = 'HTTP/1.1 200 OK\r\n';

/** How many connections it takes for a request that is answered by `text`, and one more behind it. */
async function connectionsFor(context: TestContext, text: string, isEnded = false): Promise<number> {
  const upstream = await rawUpstream(context, (_head, index, socket) => {
    if (index > 0) return ok;
    if (isEnded) socket.end(text, 'latin1');
    return isEnded ? undefined : text;
  });
  const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
  const { status, body, failure } = await exchange(pool);
  assert.deepEqual([status, body, failure], [200, 'hi', undefined], text);
  assert.equal((await exchange(pool)).body, 'hi');
  return upstream.sockets.length;
}

describe('a connection that has answered', () => {
  it('is used again when nothing about it is in doubt', async (context) => {
    for (const text of [
      ok,
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n`,
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi',
      `HTTP/1.1 103 Early Hints\r\n\r\n${ok}`,
    ])
      assert.equal(await connectionsFor(context, text), 1, text);
  });

  it('is not used again when its upstream ends it, or sent more than its response', async (context) => {
    for (const text of [
      `${head}Connection: close\r\nContent-Length: 2\r\n\r\nhi`,
      `${head}Connection: keep-alive, close\r\nContent-Length: 2\r\n\r\nhi`,
      'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi',
      `${ok}H`,
      `${ok}${ok}`,
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\r\n`,
    ])
      assert.equal(await connectionsFor(context, text), 2, text);
  });

  it('has given a whole body when it ends where no length is said', async (context) => {
    for (const text of [
      `${head}\r\nhi`,
      'HTTP/1.0 200 OK\r\n\r\nhi',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhi',
    ])
      assert.equal(await connectionsFor(context, text, true), 2, text);
  });

  it('has not given a whole body when it is cut where no length is said', async (context) => {
    const upstream = await rawUpstream(context, () => `${head}\r\nhi`);
    const { heard } = call(openPool(context, upstream.port));
    await until('the first bytes', () => heard.body === 'hi');
    upstream.sockets[0]?.resetAndDestroy();
    await until('the end', () => heard.isOver);
    assert.equal(heard.failure?.reason, 'upstream_reset');
    assert.match(heard.failure.detail, /ECONNRESET\) within its response$/);
  });

  it('is given up when it speaks without being asked, or ends, while it waits', async (context) => {
    for (const act of [
      (socket: Socket) => void socket.write(ok, 'latin1'),
      (socket: Socket) => void socket.write('\r\n'),
      (socket: Socket) => void socket.end(),
      (socket: Socket) => void socket.resetAndDestroy(),
    ]) {
      const upstream = await rawUpstream(context, () => ok);
      const pool = openPool(context, upstream.port);
      await exchange(pool);
      act(upstream.sockets[0]!);
      await until('the connection is gone', () => pool.connections === 0);
      assert.deepEqual([(await exchange(pool)).body, upstream.sockets.length], ['hi', 2]);
    }
  });

  it('is given up when the answer came before the end of the request', async (context) => {
    const refusal = `HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno`;
    const upstream = await rawUpstream(context, (_head, index) => (index === 0 ? refusal : ok));
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
    const { heard, sent } = call(pool, { ...post, bodyLength: 100_000 });
    await until('a connection', () => heard.isReady);
    sent.flush();
    await until('the end of the call', () => heard.isOver);
    assert.deepEqual([heard.status, heard.body, heard.failure], [409, 'no', undefined]);
    // What its client still sends goes nowhere.
    assert.equal(sent.sendChunk(Buffer.alloc(50_000)), true);
    sent.endRequest();
    assert.equal((await exchange(pool)).body, 'hi');
    assert.equal(upstream.sockets.length, 2);
    assert.match(upstream.heads[1]!, /^GET /);
  });

  it('is used again when the answer began before the end of the request, and ended after it', async (context) => {
    const upstream = await rawUpstream(context, (_head, index) => {
      if (index === 0) return head;
      return index === 1 ? 'Content-Length: 2\r\n\r\nhi' : ok;
    });
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
    const { heard, sent } = call(pool, { ...post, bodyLength: 4 });
    await until('a connection', () => heard.isReady);
    sent.flush();
    await until('the request has begun', () => upstream.heads.length === 1);
    sent.sendChunk(Buffer.from('body'));
    sent.endRequest();
    await until('the end of the call', () => heard.isOver);
    await exchange(pool);
    assert.equal(upstream.sockets.length, 1);
  });
});

describe('Keep-Alive of an upstream', () => {
  /** Connections that two requests take, the second one `laterMs` behind the first. */
  async function connections(context: TestContext, field: string, laterMs: number): Promise<number> {
    const clock = new ManualClock();
    const answer = `${head}${field}Content-Length: 2\r\n\r\nhi`;
    const upstream = await rawUpstream(context, () => answer);
    const settings = { idleTimeoutMs: 3_600_000 };
    const pool = openPool(context, upstream.port, { settings, context: poolContext(clock) });
    await exchange(pool);
    clock.advance(laterMs);
    await exchange(pool);
    return upstream.sockets.length;
  }

  it('is held to, with a second to spare', async (context) => {
    assert.equal(await connections(context, 'Keep-Alive: timeout=5\r\n', 3900), 1);
    assert.equal(await connections(context, 'Keep-Alive: timeout=5\r\n', 4100), 2);
    assert.equal(await connections(context, 'keep-alive: max=3, Timeout=5\r\n', 4100), 2);
    assert.equal(await connections(context, 'Keep-Alive: timeout=1\r\n', 0), 2);
    assert.equal(await connections(context, 'Keep-Alive: timeout=0\r\n', 0), 2);
  });

  it('says nothing when it cannot be read', async (context) => {
    for (const field of [
      '',
      'Keep-Alive: timeout=-1\r\n',
      'Keep-Alive: idletimeout=1\r\n',
      'Keep-Alive: timeout\r\n',
    ])
      assert.equal(await connections(context, field, 3_000_000), 1, field);
  });
});

describe('what goes upstream', () => {
  async function sentFor(
    context: TestContext,
    request: UpstreamRequest,
    parts: string[] = [],
  ): Promise<string> {
    let received = '';
    const upstream = await rawUpstream(context, (bytes) => {
      received += bytes;
      return undefined;
    });
    const { heard, sent } = call(openPool(context, upstream.port, { name: 'orders.test' }), request);
    if (request.bodyLength !== 0) {
      await until('a connection', () => heard.isReady);
      for (const part of parts) sent.sendChunk(Buffer.from(part));
      sent.endRequest();
    }
    await until('the request', () => received.includes('\r\n\r\n') && !received.endsWith('1\r\n'));
    return received.replace(`:${upstream.port}`, ':PORT');
  }

  it('names the endpoint where the request names no host', async (context) => {
    const fields = ['x-a', '1'];
    assert.equal(
      await sentFor(context, { ...get, fields }),
      'GET /x?y HTTP/1.1\r\nhost: orders.test:PORT\r\nx-a: 1\r\n\r\n',
    );
  });

  it('says the length of a body, chunks where nobody knows it, and 0 where a body is usual', async (context) => {
    const fields = ['host', 'a'];
    const start = (method: string): string => `${method} /x?y HTTP/1.1\r\nhost: a\r\n`;
    const text = (request: Partial<UpstreamRequest>, parts?: string[]) =>
      sentFor(context, { ...post, fields, ...request }, parts);
    assert.equal(
      await text({ bodyLength: 5 }, ['he', 'llo']),
      `${start('POST')}content-length: 5\r\n\r\nhello`,
    );
    assert.equal(
      await text({ bodyLength: 'unknown' }, ['he', 'llo']),
      `${start('POST')}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
    );
    for (const method of ['POST', 'PUT', 'PATCH'])
      assert.equal(await text({ method }), `${start(method)}content-length: 0\r\n\r\n`);
    for (const method of ['GET', 'DELETE', 'OPTIONS'])
      assert.equal(await text({ method }), `${start(method)}\r\n`);
  });
});

describe('a request that meets a stale connection', () => {
  /**
   * An upstream whose first connection answers once and is cut at its second request; `cut` says what it sends before. Gives
   * what came of that second request.
   */
  async function meetsStale(
    context: TestContext,
    request: UpstreamRequest,
    options: { before?: string; isAlwaysCut?: boolean } = {},
  ): Promise<{ upstream: RawUpstream; reason: unknown; status: number; repeats: number }> {
    const { before, isAlwaysCut = false } = options;
    const upstream: RawUpstream = await rawUpstream(context, (_head, index, socket) => {
      if (index === 0 || (index > 1 && !isAlwaysCut)) return ok;
      if (before === undefined) socket.resetAndDestroy();
      else socket.end(before, 'latin1');
      return undefined;
    });
    const shared = poolContext();
    const pool = openPool(context, upstream.port, { context: shared });
    await exchange(pool);
    const { failure, status } = await exchange(pool, request);
    assert.deepEqual([pool.activeRequests, pool.waiting], [0, 0]);
    return { upstream, reason: failure?.reason, status, repeats: shared.counters.staleRepeats };
  }

  it('is sent once more, when that cannot do harm', async (context) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const { upstream, status, repeats } = await meetsStale(context, { ...get, method });
      assert.deepEqual(
        [status, repeats, upstream.heads.length, upstream.sockets.length],
        [200, 1, 3, 2],
        method,
      );
      assert.equal(upstream.heads[1], upstream.heads[2]);
    }
  });

  it('is not sent again when it might be done twice, has a body, or has been answered in part', async (context) => {
    for (const [request, options] of [
      [post, {}],
      [{ ...get, method: 'PATCH' }, {}],
      [{ ...get, method: 'PUT', bodyLength: 'unknown' }, {}],
      [get, { before: 'H' }],
      [get, { before: 'HTTP/1.1 103 Early Hints\r\n\r\n' }],
      [get, { before: `${head}Content-Length: 9\r\n\r\nhi` }],
    ] as const) {
      const { upstream, reason, repeats } = await meetsStale(context, request, options);
      assert.deepEqual(
        [reason, repeats, upstream.heads.length],
        ['upstream_reset', 0, 2],
        JSON.stringify([request.method, options]),
      );
    }
  });

  it('is sent a second time on a new connection, and never a third time', async (context) => {
    const { upstream, reason, repeats } = await meetsStale(context, get, { isAlwaysCut: true });
    assert.deepEqual(
      [reason, repeats, upstream.heads.length, upstream.sockets.length],
      ['upstream_reset', 1, 3, 2],
    );
  });

  it('passes over connections that may be stale as well, and makes room for a new one', async (context) => {
    const gate: (() => void)[] = [];
    const upstream = await rawUpstream(context, (_head, index, socket) => {
      if (index < 2) {
        gate.push(() => socket.write(ok, 'latin1'));
        return undefined;
      }
      if (upstream.sockets.indexOf(socket) < 2) socket.destroy();
      return ok;
    });
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 2 } });
    const both = [exchange(pool), exchange(pool)];
    await until('both connections are in use', () => gate.length === 2);
    for (const open of gate) open();
    await Promise.all(both);
    assert.equal(pool.connections, 2);
    assert.equal((await exchange(pool)).status, 200);
    assert.deepEqual([upstream.heads.length, upstream.sockets.length], [4, 3]);
  });

  it('leaves no trace when it is aborted while it waits for its new connection', async (context) => {
    const upstream = await rawUpstream(context, (_head, index, socket) => {
      if (index === 1) socket.destroy();
      return ok;
    });
    const shared = poolContext();
    const repeated = Promise.withResolvers<void>();
    // Goes on as soon as the count has risen, before the system can have connected.
    Object.defineProperty(shared.counters, 'staleRepeats', {
      get: () => 0,
      set() {
        repeated.resolve();
      },
    });
    const pool = openPool(context, upstream.port, { context: shared });
    await exchange(pool);
    const { heard, sent } = call(pool);
    await repeated.promise;
    assert.equal(pool.waiting, 1);
    sent.abort();
    assert.deepEqual([pool.waiting, pool.activeRequests], [0, 0]);
    await until('the new connection is there', () => upstream.sockets.length === 2);
    assert.deepEqual([heard.isOver, upstream.heads.length], [false, 2]);
    assert.equal((await exchange(pool)).failure, undefined);
    assert.equal(upstream.sockets.length, 2, 'what was opened for it is used by the next one');
  });
});
