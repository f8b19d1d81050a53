import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';

import { exchange, get, Heard, ok, openPool } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { rawUpstream } from '../testing/raw-upstream.ts';

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

  it('sends a safe request once more when a kept connection turns out to be closed', async (context) => {
    const upstream = await rawUpstream(context, (_head, index, socket) => {
      if (index === 1) socket.destroy();
      return index === 1 ? undefined : ok;
    });
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
    await exchange(pool);
    assert.equal((await exchange(pool)).status, 200);
    assert.equal(upstream.heads.length, 3);
  });

  it('never sends a POST again, nor anything that failed on a new connection', async (context) => {
    const upstream = await rawUpstream(context, (_head, index, socket) => {
      if (index > 0) socket.destroy();
      return index === 0 ? ok : undefined;
    });
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1 } });
    await exchange(pool);
    const posted = await exchange(pool, { ...get, method: 'POST' });
    assert.deepEqual([posted.failure?.reason, upstream.heads.length], ['upstream_reset', 2]);
    const fresh = await exchange(pool);
    assert.deepEqual([fresh.failure?.reason, upstream.heads.length], ['upstream_reset', 3]);
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

  it('lets waitingMax requests wait, and refuses the next one (invariant 9)', async (context) => {
    const upstream = await rawUpstream(context, () => undefined);
    const pool = openPool(context, upstream.port, { settings: { connectionsMax: 1, waitingMax: 1 } });
    const calls = [new Heard(), new Heard(), new Heard()].map((heard) => pool.send(get, heard));
    assert.deepEqual(
      calls.map((call) => call !== undefined),
      [true, true, false],
    );
    assert.equal(pool.activeRequests, 2);
    calls[0]?.abort();
    calls[1]?.abort();
    await until('all places are free again', () => pool.activeRequests === 0);
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
    const heard = new Heard();
    const call = pool.send(get, heard);
    await until('the first bytes', () => heard.body === 'hi');
    call?.abort();
    await until('the upstream sees the end', () => isClosed);
    assert.deepEqual([heard.isOver, pool.activeRequests], [false, 0]);
  });

  it('closes after its last request', async (context) => {
    const sockets: Socket[] = [];
    const upstream = await rawUpstream(context, (_head, _index, socket) => {
      sockets.push(socket);
      setTimeout(() => socket.write(ok, 'latin1'), 50);
      return undefined;
    });
    const pool = openPool(context, upstream.port);
    const sent = exchange(pool);
    pool.close();
    assert.equal((await sent).status, 200);
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
  });
});
