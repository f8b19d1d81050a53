// D5: far more connections at once than the Gateway takes. What was there before goes on, and what comes after is served.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { onEnd, type Owner } from '../kit/owner.ts';
import type { DataPlaneNode } from '../kit/processes.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { startCounting } from '../kit/upstreams/counting.ts';
import { scaled } from './scale.ts';
import { startRoutes } from './start-routes.ts';

const storm = scaled(2000, 8000);
const connectionsMax = storm / 2;
const loadConnections = 8;
const request = 'GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n';

interface Storm {
  readonly sockets: readonly Socket[];
  readonly connected: number;
  /** By the gateway. */
  readonly closed: number;
}

/** Opens all connections in one go; every one begins a request and never ends it. */
function startStorm(owner: Owner, port: number): Storm {
  const count = { connected: 0, closed: 0 };
  const sockets = Array.from({ length: storm }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      count.connected += 1;
      socket.write('GET / HTTP/1.1\r\nhos');
    });
    socket.on('error', () => {
      // 'close' follows.
    });
    socket.on('close', () => {
      count.closed += 1;
    });
    return socket.resume();
  });
  onEnd(owner, () => sockets.forEach((socket) => void socket.destroy()));
  return {
    sockets,
    get connected() {
      return count.connected;
    },
    get closed() {
      return count.closed;
    },
  };
}

async function takenAndRefused(node: DataPlaneNode): Promise<{ taken: number; refused: number }> {
  const now = await scrape(node);
  return { taken: now.value('causeway_connections'), refused: now.sum('causeway_connections_refused_total') };
}

describe('a storm of connections', () => {
  test(`${storm} at once, twice the limit: load on old connections fails nowhere, and all is well afterwards`, async (t) => {
    const upstream = await startCounting(t);
    // A connection of the load that is closed for its age would come back in the middle of the storm.
    const limits = { maxConnections: connectionsMax, maxRequestsPerConnection: 0 };
    const timeouts = { requestHead: '60s' };
    const { node, port } = await startRoutes(t, { '': { port: upstream.port } }, { limits, timeouts });
    const load = startLoad(t, { port, request, connections: loadConnections });
    await eventually(() => load.result.ok > 200, { what: 'the load runs' });
    // What a busy machine has not accepted yet would be part of the storm.
    await eventually(() => scrape(node), {
      what: 'all connections of the load are there',
      until: (now) => now.value('causeway_connections') === loadConnections,
    });
    const before = load.result.ok;
    const attack = startStorm(t, port);
    const { taken, refused } = await eventually(() => takenAndRefused(node), {
      what: 'every connection of the storm has been taken or refused',
      until: (now) => now.taken + now.refused === storm + loadConnections,
    });
    // Two workers that ask for the last place at the same moment may both be refused.
    assert.ok(taken === connectionsMax || taken === connectionsMax - 1, `${taken} taken`);
    await eventually(() => attack.closed === refused, { what: 'what was refused is closed' });
    await eventually(() => load.result.ok > before + 200, { what: 'the load goes on' });
    for (const socket of attack.sockets) socket.destroy();
    await eventually(() => scrape(node), {
      what: 'the connections of the storm are gone',
      until: (now) => now.value('causeway_connections') === loadConnections,
    });
    const client = await rawConnect(t, port);
    await client.send(request);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await scrape(node)).sum('causeway_worker_restarts_total'), 0, 'no worker was lost');
    const { ok, failed, reasons } = await load.stop();
    t.diagnostic(`${ok} requests of the load, ${attack.connected} connections of the storm`);
    assert.deepEqual([failed, reasons], [0, {}]);
  });
});
