import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { call, exchange, get, Heard, ok, openPool } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { poolContext } from '../testing/pools.ts';
import { listenRaw, rawUpstream } from '../testing/raw-upstream.ts';
import type { PoolSettings } from './endpoint-pool.ts';

describe('EndpointPool', () => {
  it('sends the head as it is, and hands on the answer byte for byte', async (context) => {
    const upstream = await rawUpstream(context, () => ok);
    const heard = await exchange(openPool(context, upstream.port));
    assert.deepEqual(
      [heard.status, heard.body, heard.fields],
      [200, 'hi', ['Content-Length', '2', 'X-B', '\xe9']],
    );
    assert.match(upstream.heads[0]!, /^GET \/x\?y HTTP\/1\.1\r\nhost: a\.test\r\n/);
    assert.match(upstream.heads[0]!, /X-A: \xe9\r\n/);
  });

  it('reports informational responses, and treats a flood of them as an error', async (context) => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const upstream = await rawUpstream(context, (_head, index) => hint.repeat(index === 0 ? 2 : 100) + ok);
    const pool = openPool(context, upstream.port);
    assert.deepEqual((await exchange(pool)).informational, [103, 103]);
    const flooded = await exchange(pool);
    assert.equal(flooded.failure?.reason, 'upstream_protocol_error');
  });

  it('tells what failed: connecting, the protocol, or the connection', async (context) => {
    const reasonFor = async (answer: (socket: Socket) => string | undefined): Promise<unknown> => {
      const upstream = await rawUpstream(context, (_head, _index, socket) => answer(socket));
      return (await exchange(openPool(context, upstream.port))).failure?.reason;
    };
    assert.equal(await reasonFor(() => 'garbage\r\n\r\n'), 'upstream_protocol_error');
    assert.equal(
      await reasonFor(() => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`),
      'upstream_protocol_error',
    );
    const half = (text: string) => (socket: Socket) => {
      socket.end(text);
      return undefined;
    };
    assert.equal(await reasonFor(half('HTTP/1.1 200 OK\r\nConte')), 'upstream_reset');
    assert.equal(await reasonFor(half('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi')), 'upstream_reset');
    assert.equal(
      await reasonFor(half('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi')),
      'upstream_reset',
    );
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    closed.close();
    assert.ok(typeof address === 'object' && address !== null);
    const refused = await exchange(openPool(context, address.port));
    assert.equal(refused.failure?.reason, 'upstream_connect_failed');
    assert.match(refused.failure?.detail ?? '', /ECONNREFUSED/);
  });

  it('does not connect to forbidden addresses', async (context) => {
    const heard = await exchange(openPool(context, 80, { address: '169.254.169.254' }));
    assert.equal(heard.failure?.reason, 'upstream_connect_failed');
    assert.match(heard.failure?.detail ?? '', /ERR_FORBIDDEN_ADDRESS/);
  });

  it('cuts the connection when a call is aborted, and says nothing more of it', async (context) => {
    let isClosed = false;
    const upstream = await rawUpstream(context, (_head, _index, socket) => {
      socket.on('close', () => {
        isClosed = true;
      });
      return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi';
    });
    const pool = openPool(context, upstream.port);
    const { heard, sent } = call(pool);
    await until('the first bytes', () => heard.body === 'hi');
    sent.abort();
    await until('the upstream sees the end', () => isClosed);
    assert.deepEqual([heard.isOver, pool.activeRequests], [false, 0]);
  });
});

describe('the queue of a pool', () => {
  /** An upstream that answers when it is told to, each time the request that has waited longest. */
  async function gated(context: TestContext, settings: Partial<PoolSettings>) {
    const gates: (() => void)[] = [];
    const upstream = await rawUpstream(context, (head, _index, socket) => {
      const target = head.split(' ')[1];
      gates.push(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${target}`));
      return undefined;
    });
    const shared = poolContext();
    const pool = openPool(context, upstream.port, { settings, context: shared });
    const open = async (): Promise<void> => {
      await until('a request', () => gates.length > 0);
      gates.shift()!();
    };
    const ask = (number: number) => call(pool, { ...get, target: `/${number}` });
    return { upstream, pool, open, ask, counters: shared.counters };
  }

  it('takes waitingMax requests besides those that have a connection or get one, and refuses the next (invariant 9)', async (context) => {
    for (const waitingMax of [0, 1, 3]) {
      const { pool, open, ask, counters } = await gated(context, { connectionsMax: 2, waitingMax });
      const calls = Array.from({ length: 2 + waitingMax }, (_, number) => ask(number));
      assert.equal(pool.send(get, new Heard()), undefined);
      assert.deepEqual([counters.refused, pool.connections, pool.activeRequests], [1, 2, 2 + waitingMax]);
      await until('both have their connection', () => pool.waiting === waitingMax);
      assert.equal(pool.send(get, new Heard()), undefined);
      await open();
      await until('one is over', () => calls.some(({ heard }) => heard.isOver));
      const next = ask(9);
      for (let left = 0; left < 2 + waitingMax; left += 1) await open();
      await until('all are over', () => [...calls, next].every(({ heard }) => heard.isOver));
      assert.deepEqual([pool.connections, pool.activeRequests, pool.waiting], [2, 0, 0]);
    }
  });

  it('gives connections in the order of requests, and forgets those that are aborted', async (context) => {
    const { upstream, pool, open, ask } = await gated(context, { connectionsMax: 1, waitingMax: 4 });
    const calls = [0, 1, 2, 3, 4].map(ask);
    await until('the first is sent', () => upstream.heads.length === 1);
    for (const number of [1, 3]) calls[number]!.sent.abort();
    assert.deepEqual([pool.waiting, pool.activeRequests], [2, 3]);
    calls.push(ask(5), ask(6));
    for (let answered = 0; answered < 5; answered += 1) await open();
    await until('all are over', () => pool.activeRequests === 0);
    assert.deepEqual(
      upstream.heads.map((head) => head.split(' ')[1]),
      ['/0', '/2', '/4', '/5', '/6'],
    );
    assert.deepEqual(
      calls.map(({ heard }) => heard.body),
      ['/0', '', '/2', '', '/4', '/5', '/6'],
    );
    assert.equal(upstream.sockets.length, 1);
  });

  it('opens a connection for who waits when one is cut', async (context) => {
    const { upstream, pool, open, ask } = await gated(context, { connectionsMax: 1 });
    const [first, second] = [ask(1), ask(2)];
    await until('the first is sent', () => upstream.heads.length === 1);
    first.sent.abort();
    await until('the second is sent', () => upstream.heads.length === 2);
    await open();
    await open();
    await until('the second is over', () => second.heard.isOver);
    assert.deepEqual([first.heard.isOver, second.heard.body, pool.connections], [false, '/2', 1]);
  });

  it('tells every request that waits when no connection comes about', async (context) => {
    const closed = createServer();
    const port = await listenRaw(context, closed);
    closed.close();
    const shared = poolContext();
    const pool = openPool(context, port, { settings: { connectionsMax: 2, waitingMax: 8 }, context: shared });
    const calls = Array.from({ length: 6 }, () => call(pool));
    await until('all are told', () => calls.every(({ heard }) => heard.isOver));
    assert.deepEqual(
      new Set(calls.map(({ heard }) => heard.failure?.reason)),
      new Set(['upstream_connect_failed']),
    );
    assert.deepEqual([pool.connections, pool.waiting, pool.activeRequests], [0, 0, 0]);
    const { connectionsOpened, connectsFailed } = shared.counters;
    // One more where the second of the first two attempts fails first.
    assert.ok(connectsFailed === connectionsOpened && (connectsFailed === 6 || connectsFailed === 7));
  });

  it('serves who waits, and then closes, when its endpoint is gone', async (context) => {
    const { upstream, pool, open, ask } = await gated(context, { connectionsMax: 1 });
    const calls = [ask(1), ask(2)];
    await until('the first is sent', () => upstream.heads.length === 1);
    pool.close();
    await open();
    await open();
    await until('the connection is closed', () => upstream.sockets[0]!.closed);
    assert.deepEqual(
      calls.map(({ heard }) => heard.body),
      ['/1', '/2'],
    );
    assert.equal(pool.connections, 0);
  });
});

describe('the connections of a pool', () => {
  /** A pool on a clock of its own, before an upstream that answers at once. */
  async function timed(context: TestContext, settings: Partial<PoolSettings>) {
    const clock = new ManualClock();
    const upstream = await rawUpstream(context, () => ok);
    const pool = openPool(context, upstream.port, { settings, context: poolContext(clock) });
    return { clock, upstream, pool };
  }

  it('carry a single request each where no more are allowed', async (context) => {
    const { upstream, pool } = await timed(context, { requestsPerConnectionMax: 1, connectionsMax: 1 });
    for (const connections of [1, 2, 3]) {
      assert.equal((await exchange(pool)).body, 'hi');
      assert.equal(upstream.sockets.length, connections);
    }
  });

  it('carry requestsPerConnectionMax requests and no more', async (context) => {
    const { upstream, pool } = await timed(context, { requestsPerConnectionMax: 3, connectionsMax: 1 });
    for (const [request, connections] of [1, 1, 1, 2, 2, 2, 3].entries()) {
      assert.equal((await exchange(pool)).body, 'hi');
      assert.equal(upstream.sockets.length, connections, `request ${request}`);
    }
  });

  it('take no new request from ageMax on, though they finish the one that they have', async (context) => {
    const { clock, upstream, pool } = await timed(context, { ageMaxMs: 10_000, idleTimeoutMs: 3_600_000 });
    await exchange(pool);
    clock.advance(9_900);
    await exchange(pool);
    assert.equal(upstream.sockets.length, 1);
    clock.advance(100);
    await exchange(pool);
    assert.equal(upstream.sockets.length, 2);
    clock.advance(9_900);
    const { heard } = call(pool);
    clock.advance(200);
    await until('the end', () => heard.isOver);
    assert.deepEqual([heard.body, pool.connections], ['hi', 0]);
  });

  it('carry a request even when opening them took longer than ageMax', async (context) => {
    const { clock, pool } = await timed(context, { ageMaxMs: 100, connectTimeoutMs: 1000 });
    const { heard } = call(pool);
    clock.advance(200);
    await until('the end', () => heard.isOver);
    assert.equal(heard.body, 'hi');
  });

  it('are closed when they have had no request for idleTimeout, those freed first before the others', async (context) => {
    const { clock, upstream, pool } = await timed(context, { idleTimeoutMs: 10_000 });
    await Promise.all([exchange(pool), exchange(pool)]);
    assert.equal(pool.connections, 2);
    clock.advance(6000);
    await exchange(pool);
    clock.advance(3900);
    assert.equal(pool.connections, 2);
    clock.advance(200);
    assert.equal(pool.connections, 1);
    await exchange(pool);
    assert.equal(upstream.sockets.length, 2, 'the one that is in use is kept');
    clock.advance(10_200);
    assert.equal(pool.connections, 0);
  });

  it('without a request are closed at once with their pool, and those being opened when they are there', async (context) => {
    const { upstream, pool } = await timed(context, {});
    await exchange(pool);
    const { sent } = call(pool);
    const second = call(pool);
    sent.abort();
    second.sent.abort();
    pool.close();
    await until(
      'nothing is left',
      () => pool.connections === 0 && upstream.sockets.every(({ closed }) => closed),
    );
  });
});
