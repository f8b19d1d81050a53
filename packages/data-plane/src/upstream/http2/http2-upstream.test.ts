import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import { before, describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { ManualClock } from '@causeway/runtime/manual-clock';

import {
  answeringUpstream,
  type FrameConnection,
  type FrameUpstream,
  frameUpstream,
} from '../../testing/frame-upstream.ts';
import { call, exchange, get, Heard, openPool } from '../../testing/heard.ts';
import { until } from '../../testing/http-client.ts';
import {
  data,
  ErrorCode,
  FrameFlag,
  FrameType,
  goaway,
  headers,
  maxConcurrentStreams,
  settings,
} from '../../testing/http2-frames.ts';
import { poolContext } from '../../testing/pools.ts';
import { listenRaw, startRaw } from '../../testing/raw-upstream.ts';
import type { EndpointPool, PoolSettings } from '../endpoint-pool.ts';
import { createUpstreamTls, type UpstreamTlsParts } from '../tls-settings.ts';

const ok = [[':status', '200']] as const;

/** An upstream that answers when it is told to. */
async function gated(context: TestContext, poolOptions: Partial<PoolSettings> = {}, greeting = settings()) {
  const clock = new ManualClock();
  const shared = poolContext(clock);
  const upstream = await answeringUpstream(context, () => {}, greeting);
  const pool = openPool(context, upstream.port, {
    settings: { protocol: 'h2c', ...poolOptions },
    context: shared,
  });
  const requests = (): number => upstream.connections.reduce((sum, { requests: own }) => sum + own.length, 0);
  return { upstream, pool, clock, counters: shared.counters, requests };
}

const answer = (connection: FrameConnection, stream: number): void => connection.send(headers(stream, ok));

/** What has been written in this process is read in it. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
}

function answerAll(upstream: FrameUpstream): void {
  for (const connection of upstream.connections)
    for (const stream of connection.requests) if (!connection.isClosed) answer(connection, stream);
}

describe('a connection of HTTP/2', () => {
  it('carries many requests at once, and the next ones after them', async (context) => {
    const { upstream, pool, requests } = await gated(context);
    const calls = Array.from({ length: 50 }, () => call(pool));
    await until('all', () => requests() === 50);
    assert.deepEqual([upstream.connections.length, pool.connections, pool.waiting], [1, 1, 0]);
    for (const stream of upstream.connections[0]!.requests.toReversed())
      answer(upstream.connections[0]!, stream);
    await until('the ends', () => calls.every(({ heard }) => heard.isOver));
    const { heard } = call(pool);
    await until('one more', () => requests() === 51);
    answer(upstream.connections[0]!, 101);
    await until('its end', () => heard.isOver);
    assert.deepEqual([upstream.connections.length, pool.activeRequests], [1, 0]);
  });

  it('carries as many as its upstream allows; then another is opened, and then requests wait', async (context) => {
    const { upstream, pool, requests, counters } = await gated(
      context,
      { connectionsMax: 2, waitingMax: 1 },
      settings(maxConcurrentStreams, 3),
    );
    const first = call(pool);
    await until('the first', () => requests() === 1);
    const calls = [first, ...Array.from({ length: 6 }, () => call(pool))];
    await until('those that fit', () => requests() === 6);
    assert.deepEqual(
      upstream.connections.map((each) => each.requests.length),
      [3, 3],
    );
    assert.deepEqual([pool.waiting, pool.send(get, new Heard()), counters.refused], [1, undefined, 1]);
    answer(upstream.connections[1]!, 3);
    await until('the one that waits', () => requests() === 7);
    assert.deepEqual([upstream.connections[1]!.requests, pool.waiting], [[1, 3, 5, 7], 0]);
    answerAll(upstream);
    await until('the ends', () => calls.every(({ heard }) => heard.isOver));
    assert.deepEqual(
      calls.map(({ heard }) => heard.failure),
      Array(7).fill(undefined),
    );
  });

  it('carries 100 at once where its upstream would take any number', async (context) => {
    const { upstream, pool, requests } = await gated(context);
    for (let count = 0; count < 101; count += 1) call(pool);
    await until('all', () => requests() === 101);
    assert.deepEqual(
      upstream.connections.map((each) => each.requests.length).toSorted((a, b) => b - a),
      [100, 1],
    );
  });

  it('heeds that its upstream takes more, or fewer, from now on', async (context) => {
    const { upstream, pool, requests } = await gated(
      context,
      { connectionsMax: 1, waitingMax: 10 },
      settings(maxConcurrentStreams, 1),
    );
    for (let count = 0; count < 3; count += 1) call(pool);
    await until('the first', () => requests() === 1);
    upstream.connections[0]!.send(settings(maxConcurrentStreams, 3));
    await until('all', () => requests() === 3);
    upstream.connections[0]!.send(settings(maxConcurrentStreams, 1));
    const last = call(pool);
    for (const stream of [1, 3]) answer(upstream.connections[0]!, stream);
    await until('two are over', () => pool.activeRequests === 2);
    assert.equal(requests(), 3);
    answer(upstream.connections[0]!, 5);
    await until('the last', () => requests() === 4);
    answer(upstream.connections[0]!, 7);
    await until('its end', () => last.heard.isOver);
  });

  it('is closed when it has had no request for idleTimeout, and not before', async (context) => {
    const { upstream, pool, clock } = await gated(context, { idleTimeoutMs: 10_000 });
    const held = call(pool);
    await until('the request', () => upstream.connections[0]?.requests.length === 1);
    const other = call(pool);
    await until('the other', () => upstream.connections[0]?.requests.length === 2);
    answer(upstream.connections[0]!, 3);
    await until('its end', () => other.heard.isOver);
    // Whatever the PINGs of the meantime are answered with.
    for (let second = 0; second < 12; second += 3) clock.advance(3000);
    assert.equal(pool.connections, 1);
    answer(upstream.connections[0]!, 1);
    await until('its end', () => held.heard.isOver);
    clock.advance(9900);
    assert.equal(pool.connections, 1);
    clock.advance(200);
    assert.equal(pool.connections, 0);
    await until('the upstream sees it', () => upstream.connections[0]!.isClosed);
  });

  it('takes no further request at its age, or after so many, and ends with its last', async (context) => {
    for (const limits of [{ ageMaxMs: 5000 }, { requestsPerConnectionMax: 2 }]) {
      const { upstream, pool, clock, requests } = await gated(context, { connectionsMax: 1, ...limits });
      const early = [call(pool), call(pool)];
      await until('both', () => requests() === 2);
      clock.advance(5000);
      const late = call(pool);
      await until('the late one', () => requests() === 3);
      assert.deepEqual(
        upstream.connections.map((each) => each.requests.length),
        [2, 1],
      );
      assert.equal(upstream.connections[0]!.isClosed, false);
      answerAll(upstream);
      await until('the ends', () =>
        [...early, late].every(({ heard }) => heard.isOver && heard.status === 200),
      );
      await until('the first is closed', () => upstream.connections[0]!.isClosed);
      assert.equal(pool.connections, 1);
    }
  });

  it('without a request is closed at once with its pool, and one with requests after the last', async (context) => {
    const { upstream, pool } = await gated(context);
    const { heard } = call(pool);
    await until('the request', () => upstream.connections[0]?.requests.length === 1);
    pool.close();
    assert.equal(pool.connections, 1);
    answer(upstream.connections[0]!, 1);
    await until('the end', () => heard.isOver);
    assert.deepEqual([heard.status, pool.connections], [200, 0]);
  });
});

describe('an upstream that sends its requests away', () => {
  it('with GOAWAY gets no new ones, and goes on with those that it has', async (context) => {
    const { upstream, pool, requests } = await gated(context, { connectionsMax: 1 });
    const first = call(pool);
    await until('the first', () => requests() === 1);
    const [old] = upstream.connections;
    // As servers do it that wait for what is on its way (RFC 9113 section 6.8).
    old!.send(goaway(2 ** 31 - 1, ErrorCode.none));
    await until('our own', () => old!.goaways.length === 1);
    const second = call(pool);
    await until('the second', () => requests() === 2);
    assert.deepEqual(
      upstream.connections.map((each) => each.requests.length),
      [1, 1],
    );
    old!.send(goaway(1, ErrorCode.none));
    old!.send(headers(1, ok, 0), data(1, 'hi', FrameFlag.endStream));
    answer(upstream.connections[1]!, 1);
    await until('the ends', () => first.heard.isOver && second.heard.isOver);
    assert.deepEqual([first.heard.body, second.heard.status], ['hi', 200]);
    await until('the old one is closed', () => old!.isClosed);
    assert.equal(pool.connections, 1);
  });

  it('is asked again for what it has not looked at, whatever the method, on another connection', async (context) => {
    for (const code of [ErrorCode.none, ErrorCode.calm]) {
      const { upstream, pool, requests, counters } = await gated(context);
      const seen = call(pool, { ...get, method: 'POST' });
      const unseen = call(pool, { ...get, method: 'POST' });
      await until('both', () => requests() === 2);
      answer(upstream.connections[0]!, 1);
      await until('one end', () => seen.heard.isOver);
      upstream.connections[0]!.send(goaway(1, code));
      await until('the repeat', () => requests() === 3);
      answer(upstream.connections[1]!, 1);
      await until('the end', () => unseen.heard.isOver);
      assert.deepEqual([unseen.heard.status, counters.refusedRepeats, counters.staleRepeats], [200, 1, 0]);
    }
  });

  it('with REFUSED_STREAM is asked again on another connection, and in the end no more', async (context) => {
    const clock = new ManualClock();
    const shared = poolContext(clock);
    let refusals = 1;
    const upstream = await answeringUpstream(context, (connection, stream) => {
      refusals -= 1;
      if (refusals >= 0) connection.send(Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 7]));
      else answer(connection, stream);
    });
    const pool = openPool(context, upstream.port, {
      settings: { protocol: 'h2c', connectionsMax: 4 },
      context: shared,
    });
    assert.equal((await exchange(pool, { ...get, method: 'POST' })).status, 200);
    assert.deepEqual(
      upstream.connections.map((each) => each.requests.length),
      [1, 1],
    );
    refusals = Infinity;
    const heard = await exchange(pool);
    assert.deepEqual(
      [heard.failure?.reason, heard.failure?.detail],
      ['upstream_reset', 'stream reset with REFUSED_STREAM before it answered'],
    );
    assert.equal(shared.counters.refusedRepeats, 1 + 3);
  });

  it('with REFUSED_STREAM on its only connection is asked on a new one', async (context) => {
    let isFirst = true;
    const upstream = await answeringUpstream(context, (connection, stream) => {
      if (isFirst) connection.send(Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 7]));
      else answer(connection, stream);
      isFirst = false;
    });
    const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c', connectionsMax: 1 } });
    assert.equal((await exchange(pool)).status, 200);
    assert.deepEqual([upstream.connections.length, pool.connections], [2, 1]);
  });

  it('gets the body once more as far as it was sent, and the rest of it', async (context) => {
    for (const early of ['', 'he', 'x'.repeat(20_000)]) {
      const { upstream, pool, requests } = await gated(context);
      const { heard, sent } = call(pool, { ...get, method: 'POST', bodyLength: 'unknown' });
      await until('a connection', () => heard.isReady);
      heard.isReady = false;
      sent.sendChunk(Buffer.from(early));
      sent.flush();
      await until('what is early', () => upstream.connections[0]?.body(1) === early && requests() === 1);
      const { drains } = heard;
      upstream.connections[0]!.send(goaway(0, ErrorCode.none));
      await until('it waits', () => pool.waiting === 1 || requests() === 2);
      if (pool.waiting === 1) assert.equal(sent.sendChunk(Buffer.from('llo')), false);
      else sent.sendChunk(Buffer.from('llo'));
      await until('more is wanted', () => heard.drains > drains || early === '');
      await until('the repeat', () => requests() === 2);
      sent.endRequest();
      const [, second] = upstream.connections;
      await until('the end of the body', () =>
        second!.of(FrameType.data, 1).some(({ flags }) => (flags & FrameFlag.endStream) !== 0),
      );
      assert.equal(second!.body(1), `${early}llo`);
      answer(second!, 1);
      await until('the end', () => heard.isOver);
      assert.deepEqual([heard.status, heard.isReady], [200, false], 'the body is asked for once');
    }
  });

  it('is not asked again when more of the body is gone than was kept, or it has been answered in part', async (context) => {
    const { upstream, pool, requests } = await gated(context);
    const long = call(pool, { ...get, method: 'POST', bodyLength: 'unknown' });
    await until('a connection', () => long.heard.isReady);
    for (let bytes = 0; bytes < 90_000; bytes += 30_000) long.sent.sendChunk(Buffer.alloc(30_000));
    const begun = call(pool);
    await until('both', () => requests() === 2);
    upstream.connections[0]!.send(headers(3, ok, 0));
    await until('the head', () => begun.heard.status === 200);
    upstream.connections[0]!.send(goaway(0, ErrorCode.none));
    await until('the ends', () => long.heard.isOver && begun.heard.isOver);
    for (const { heard } of [long, begun]) assert.equal(heard.failure?.reason, 'upstream_reset');
    assert.equal(requests(), 2);
  });

  it('may have twice the connections of the maximum while it goes away, and no more', async (context) => {
    const { upstream, pool, requests } = await gated(context, { connectionsMax: 2, waitingMax: 10 });
    for (let index = 0; index < 4; index += 1) {
      call(pool);
      await until('the request', () => requests() === index + 1);
      upstream.connections[index]!.send(goaway(1, ErrorCode.none));
      await until('our own', () => upstream.connections[index]!.goaways.length === 1);
    }
    call(pool);
    assert.deepEqual([pool.connections, pool.waiting], [4, 1]);
    answer(upstream.connections[3]!, 1);
    await until('the one that waits', () => requests() === 5);
    assert.equal(upstream.connections.length, 5);
  });
});

describe('an upstream of HTTP/2 that is gone', () => {
  it('is noticed by a PING without an answer, long before its requests are given up', async (context) => {
    const { upstream, pool, clock, requests } = await gated(context);
    const first = call(pool);
    await until('the first', () => requests() === 1);
    answer(upstream.connections[0]!, 1);
    await until('its end', () => first.heard.isOver);
    const [connection] = upstream.connections;
    connection!.isMute = true;
    const calls = [call(pool), call(pool, { ...get, method: 'POST' })];
    await until('both', () => requests() === 3);
    clock.advance(10_000);
    clock.advance(10_000);
    await until('a PING', () => connection!.of(FrameType.ping).length === 1);
    clock.advance(5100);
    await until('the repeat', () => requests() === 4);
    await until('the end', () => calls[1]!.heard.isOver);
    assert.deepEqual(calls[1]!.heard.failure, {
      reason: 'upstream_reset',
      detail: 'no answer to a PING within 5000 ms: before it answered',
    });
    answer(upstream.connections[1]!, 1);
    await until('the answer', () => calls[0]!.heard.isOver);
    assert.equal(calls[0]!.heard.status, 200);
    await until('the socket is closed', () => connection!.isClosed);
  });

  it('is not gone when it answers PINGs, however long its response takes', async (context) => {
    const { upstream, pool, clock, requests } = await gated(context);
    const { heard } = call(pool);
    await until('the request', () => requests() === 1);
    const [connection] = upstream.connections;
    // The first look finds what came with the connection.
    clock.advance(10_000);
    // Ever further apart, for servers that count PINGs.
    for (const [pings, pauseMs] of [10_000, 30_000, 90_000, 300_000, 300_000].entries()) {
      clock.advance(pauseMs - 1000);
      assert.equal(connection!.of(FrameType.ping).length, pings);
      clock.advance(1000);
      await until('a PING', () => connection!.of(FrameType.ping).length === pings + 1);
      await turns();
      clock.advance(5000);
    }
    answer(connection!, 1);
    await until('the end', () => heard.isOver);
    assert.equal(heard.status, 200);
  });

  it('fails requests that may have been done, and is asked again for the others', async (context) => {
    const { upstream, pool, requests, counters } = await gated(context);
    const first = call(pool);
    await until('the first', () => requests() === 1);
    answer(upstream.connections[0]!, 1);
    await until('its end', () => first.heard.isOver);
    const calls = [call(pool), call(pool, { ...get, method: 'POST' })];
    await until('both', () => requests() === 3);
    upstream.connections[0]!.socket.resetAndDestroy();
    await until('the repeat', () => requests() === 4);
    answer(upstream.connections[1]!, 1);
    await until('the ends', () => calls.every(({ heard }) => heard.isOver));
    assert.deepEqual(
      calls.map(({ heard }) => heard.failure?.reason ?? heard.status),
      [200, 'upstream_reset'],
    );
    assert.equal(counters.staleRepeats, 1);
  });
});

describe('what is no upstream of HTTP/2', () => {
  it('is a failure to connect that says so', async (context) => {
    const detailOf = async (port: number, more: Partial<PoolSettings> = {}): Promise<unknown> => {
      const heard = await exchange(openPool(context, port, { settings: { protocol: 'h2c', ...more } }));
      assert.equal(heard.failure?.reason, 'upstream_connect_failed');
      return heard.failure.detail;
    };
    const http1 = await startRaw(context, (socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    assert.match(String(await detailOf(http1)), /^no HTTP\/2: .*ERR_HTTP2/);
    const closing = await startRaw(context, (socket) => void socket.end());
    assert.equal(await detailOf(closing), 'no HTTP/2: closed while connecting');
    const leaving = await frameUpstream(context, () => {}, goaway(0, ErrorCode.none));
    assert.match(String(await detailOf(leaving.port)), /^no HTTP\/2: /);
    const mute = await startRaw(context, () => {});
    assert.equal(
      await detailOf(mute, { connectTimeoutMs: 100 }),
      'not connected within 100 ms: connected, but no SETTINGS of HTTP/2 have come',
    );
  });
});

describe('an upstream of HTTP/2 over TLS', () => {
  let authority: TestAuthority;
  let certificate: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    certificate = await authority.issue({ names: ['orders.test'] });
  });

  const poolTo = (
    context: TestContext,
    port: number,
    parts: Partial<UpstreamTlsParts> = {},
  ): EndpointPool => {
    const tls = createUpstreamTls({
      serverName: 'orders.test',
      trust: [authority.certificate],
      client: undefined,
      verify: true,
      minVersion: 'TLSv1.2',
      ...parts,
    });
    return openPool(context, port, { settings: { protocol: 'h2', tls } });
  };

  it('is asked for by its name, and shown who asks', async (context) => {
    const client = await authority.issue({ names: ['gateway'] });
    const seen: unknown[] = [];
    const server = createSecureServer(
      { cert: certificate.certificate, key: certificate.key, requestCert: true, ca: [authority.certificate] },
      (request, response) => {
        const { socket } = request.stream.session as unknown as {
          socket: { servername: string; getPeerCertificate(): { subject?: { CN?: string } } };
        };
        seen.push(socket.servername, socket.getPeerCertificate().subject?.CN, request.headers[':scheme']);
        response.end('hi');
      },
    );
    const port = await listenRaw(context, server);
    const pool = poolTo(context, port, { client: { chain: client.certificate, key: client.key } });
    const heards = await Promise.all([exchange(pool), exchange(pool)]);
    assert.deepEqual(
      heards.map(({ body }) => body),
      ['hi', 'hi'],
    );
    assert.deepEqual(seen, ['orders.test', 'gateway', 'https', 'orders.test', 'gateway', 'https']);
    assert.equal(pool.connections, 1);
  });

  it('must agree to h2, and be who it should be', async (context) => {
    const failureOf = async (options: TlsOptions, parts?: Partial<UpstreamTlsParts>): Promise<string> => {
      const server = createTlsServer({ cert: certificate.certificate, key: certificate.key, ...options });
      server.on('tlsClientError', () => {});
      const heard = await exchange(poolTo(context, await listenRaw(context, server), parts));
      assert.equal(heard.failure?.reason, 'upstream_connect_failed');
      return heard.failure.detail;
    };
    assert.equal(await failureOf({}), 'no HTTP/2: the upstream agreed to no protocol by ALPN');
    assert.match(
      await failureOf({ ALPNProtocols: ['http/1.1'] }),
      /no_application_protocol|NO_APPLICATION_PROTOCOL/i,
    );
    assert.match(
      await failureOf({ ALPNProtocols: ['h2'] }, { serverName: 'other.test' }),
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    );
  });
});
