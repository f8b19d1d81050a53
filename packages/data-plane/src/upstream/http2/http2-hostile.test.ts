// Upstreams that mean harm, or whose frames are broken: each costs little, and ends with its requests told.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { type FrameConnection, answeringUpstream } from '../../testing/frame-upstream.ts';
import { call, exchange, openPool } from '../../testing/heard.ts';
import { until } from '../../testing/http-client.ts';
import {
  block,
  data,
  FrameFlag,
  FrameType,
  frame,
  headers,
  ping,
  settings,
  windowUpdate,
} from '../../testing/http2-frames.ts';

const ok = [[':status', '200']] as const;

/** Sends the frames of `make` behind a request until the connection is ended, and gives how many it took. */
async function framesUntilEnd(
  context: TestContext,
  first: (stream: number) => Buffer,
  make: (stream: number) => Buffer,
  most: number,
): Promise<{ sent: number; reason: unknown }> {
  const { promise, resolve } = Promise.withResolvers<[FrameConnection, number]>();
  const upstream = await answeringUpstream(context, (connection, stream) => resolve([connection, stream]));
  const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
  const { heard } = call(pool);
  const [connection, stream] = await promise;
  connection.send(first(stream));
  let sent = 0;
  for (; sent < most && !heard.isOver; sent += 50) {
    connection.send(...Array.from({ length: 50 }, () => make(stream)));
    await nextTurn();
    await nextTurn();
  }
  await until(`the end after ${sent}`, () => heard.isOver);
  await until('no connection', () => pool.connections === 0);
  return { sent, reason: heard.failure?.reason };
}

const nothing = Buffer.alloc(0);

describe('a flood of an upstream', () => {
  const floods: Record<
    string,
    { first?: (stream: number) => Buffer; make: (stream: number) => Buffer; most: number }
  > = {
    'PING (CVE-2019-9512)': { make: ping, most: 1200 },
    'SETTINGS (CVE-2019-9515)': { make: () => settings(), most: 1200 },
    'empty DATA (CVE-2019-9518)': {
      first: (stream) => headers(stream, ok, 0),
      make: (stream) => data(stream, nothing),
      most: 1200,
    },
    'a head that does not end': {
      first: (stream) => frame(FrameType.headers, 0, stream, block(ok)),
      make: (stream) => frame(FrameType.continuation, 0, stream, block([['x', 'y'.repeat(2000)]])),
      most: 200,
    },
    'a head of nothing': {
      first: (stream) => frame(FrameType.headers, 0, stream, block(ok)),
      make: (stream) => frame(FrameType.continuation, 0, stream),
      most: 200,
    },
  };
  for (const [what, { first = () => nothing, make, most }] of Object.entries(floods))
    it(`of ${what} ends its connection`, async (context) => {
      const { sent, reason } = await framesUntilEnd(context, first, make, most);
      assert.ok(sent < most, `${sent} frames`);
      assert.equal(reason, 'upstream_protocol_error');
    });

  it('of field references that become large is a head too large', async (context) => {
    // One field of 4,000 bytes that the table keeps, and then a byte for each time it is meant (RFC 7541 section 6.1).
    const stored = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 'y')]);
    const bomb = Buffer.concat([block(ok), stored, Buffer.alloc(10_000, 0xbe)]);
    const upstream = await answeringUpstream(context, (connection, stream, index) =>
      connection.send(
        index === 0
          ? frame(FrameType.headers, FrameFlag.endHeaders | FrameFlag.endStream, stream, bomb)
          : headers(stream, ok),
      ),
    );
    const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
    const { user } = process.cpuUsage();
    const heard = await exchange(pool);
    assert.ok(process.cpuUsage().user - user < 1_000_000);
    assert.equal(heard.failure?.reason, 'upstream_protocol_error');
    assert.equal((await exchange(pool)).status, 200);
  });
});

describe('a broken frame of an upstream', () => {
  const push = Buffer.concat([
    Buffer.from([0, 0, 0, 2]),
    block([
      [':method', 'GET'],
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ]),
  ]);
  const broken: Record<string, (stream: number) => Buffer> = {
    PUSH_PROMISE: (stream) => frame(5, FrameFlag.endHeaders, stream, push),
    'DATA of a stream that nobody opened': () => data(8, 'hi'),
    'HEADERS of a stream that nobody opened': () => headers(8, ok),
    'HEADERS of no stream': () => headers(0, ok),
    'a window that grows beyond its bounds': () => windowUpdate(0, 0x7fff_ffff),
    'a window that does not grow': () => windowUpdate(0, 0),
    'SETTINGS of a stream': () => frame(FrameType.settings, 0, 1),
    'SETTINGS that is cut': () => frame(FrameType.settings, 0, 0, Buffer.alloc(5)),
    'PING of seven bytes': () => frame(FrameType.ping, 0, 0, Buffer.alloc(7)),
    'RST_STREAM of three bytes': (stream) => frame(FrameType.reset, 0, stream, Buffer.alloc(3)),
    'a frame that is too large': (stream) => data(stream, Buffer.alloc(20_000)),
    'HPACK that refers to nothing': (stream) =>
      frame(FrameType.headers, 5, stream, Buffer.from([0xff, 0xff, 0xff, 0x0f])),
    'something else within a head': (stream) =>
      Buffer.concat([frame(FrameType.headers, 0, stream, block(ok)), ping()]),
    garbage: () => Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    'padding beyond the frame': (stream) => frame(FrameType.data, 8, stream, Buffer.from([9, 1])),
  };
  for (const [what, make] of Object.entries(broken))
    it(`(${what}) ends its connection, and its requests are told`, async (context) => {
      const upstream = await answeringUpstream(context, (connection, stream, index) =>
        connection.send(index === 0 ? make(stream) : headers(stream, ok)),
      );
      const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
      const { failure } = await exchange(pool);
      assert.equal(failure?.reason, 'upstream_protocol_error', JSON.stringify(failure));
      await until('the end of the connection', () => upstream.connections[0]!.isClosed);
      assert.equal((await exchange(pool)).status, 200);
    });
});

describe('a malformed response of an upstream', () => {
  const end = FrameFlag.endStream;
  const tooLong = (stream: number): Buffer =>
    Buffer.concat([headers(stream, [...ok, ['content-length', '3']], 0), data(stream, 'hello', end)]);
  const malformed: Record<string, (stream: number) => Buffer> = {
    'a body beyond its Content-Length': tooLong,
    'a body of 304': (stream) =>
      Buffer.concat([headers(stream, [[':status', '304']], 0), data(stream, 'part', end)]),
    'a body of 204': (stream) =>
      Buffer.concat([headers(stream, [[':status', '204']], 0), data(stream, 'part', end)]),
  };
  for (const [what, make] of Object.entries(malformed))
    it(`fails its own request alone: ${what}`, async (context) => {
      const upstream = await answeringUpstream(context, (connection, stream, index) => {
        if (index === 1) connection.send(make(stream));
        if (index === 2) connection.send(headers(1, ok), headers(stream, ok));
      });
      const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
      const first = call(pool).heard;
      const { failure } = await exchange(pool);
      assert.equal(failure?.reason, 'upstream_protocol_error', JSON.stringify(failure));
      assert.equal((await exchange(pool)).status, 200);
      await until('the first answer', () => first.isOver);
      assert.deepEqual([first.status, upstream.connections.length], [200, 1]);
    });

  it('ends the connection when there are many', async (context) => {
    const upstream = await answeringUpstream(context, (connection, stream) =>
      connection.send(tooLong(stream)),
    );
    const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
    for (let count = 0; count < 60; count += 1)
      assert.equal((await exchange(pool)).failure?.reason, 'upstream_protocol_error');
    assert.equal(upstream.connections.length, 2);
  });
});
