import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { answeringUpstream } from '../testing/frame-upstream.ts';
import { call, exchange, ok, openPool } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { headers, settings } from '../testing/http2-frames.ts';
import { poolContext } from '../testing/pools.ts';
import { rawUpstream } from '../testing/raw-upstream.ts';

const answered = [[':status', '200']] as const;

describe('the connection of a stream', () => {
  it("is its own over HTTP/1.1, and stands in nobody else's way", async (context) => {
    const open: Socket[] = [];
    const upstream = await rawUpstream(context, (_head, index, socket) => {
      if (index > 2) return ok;
      open.push(socket);
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    });
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
    const streams: ReturnType<typeof call>[] = [];
    for (let count = 1; count <= 3; count += 1) {
      const stream = call(pool);
      await until('its head', () => stream.heard.status === 200);
      stream.sent.outlast();
      streams.push(stream);
      assert.equal(pool.connections, count);
    }
    assert.equal((await exchange(pool)).body, 'hi');
    assert.equal(upstream.sockets.length, 4);
    for (const socket of open) socket.write('0\r\n\r\n');
    await until('their ends', () => streams.every(({ heard }) => heard.isOver));
    await until('nothing is left of them', () => pool.connections === 1);
    assert.equal((await exchange(pool)).body, 'hi');
    assert.equal(upstream.sockets.length, 4, 'what carried a stream carries nothing else');
  });

  it("is shared over HTTP/2; one that takes no further request stands in nobody's way while it carries streams alone", async (context) => {
    const clock = new ManualClock();
    const upstream = await answeringUpstream(context, () => {}, settings());
    const pool = openPool(context, upstream.port, {
      settings: { protocol: 'h2c', connectionsMax: 1, ageMaxMs: 5000 },
      context: poolContext(clock),
    });
    const requests = (): number => upstream.connections.reduce((sum, each) => sum + each.requests.length, 0);
    const streams: ReturnType<typeof call>[] = [];
    for (let count = 1; count <= 4; count += 1) {
      const stream = call(pool);
      await until('the stream', () => requests() === count);
      upstream.connections.at(-1)!.send(headers(1, answered, 0));
      await until('its head', () => stream.heard.status === 200);
      stream.sent.outlast();
      streams.push(stream);
      assert.deepEqual([upstream.connections.length, pool.connections], [count, count]);
      clock.advance(5000);
    }
    for (const { sent } of streams) sent.abort();
    await until('all but the last are closed', () => pool.connections <= 1);
    const last = call(pool);
    await until('the last request', () => requests() === 5);
    const connection = upstream.connections.at(-1)!;
    connection.send(headers(connection.requests.at(-1)!, answered));
    await until('its end', () => last.heard.isOver && last.heard.status === 200);
  });
});
