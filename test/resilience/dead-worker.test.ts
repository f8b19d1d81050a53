// A worker that dies takes its WebSockets along, and gives their places in the limit of their Route back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { startWebSocket } from '../kit/upstreams/websocket.ts';
import { openWebSocket, refusedWebSocket, type WebSocketClient } from '../kit/websocket-client.ts';
import { debuggable, runInWorker } from '../kit/worker-debugger.ts';

const connectionsMax = 20;
const deaths = 3;

test('a worker that dies takes its WebSockets along, and their places are free again', async (t) => {
  const chat = await startWebSocket(t);
  const system = await startSystem(t, {
    env: debuggable,
    resources: [
      gateway(),
      service('chat', [chat.port]),
      route('chat', '/', 'chat', { websocket: { maxConnections: connectionsMax } }),
    ],
  });
  const node = system.nodes[0]!;
  const url = `ws://127.0.0.1:${await node.trafficPort()}/`;
  let clients: WebSocketClient[] = [];
  let cut = 0;
  const fill = async (): Promise<void> => {
    while (clients.length < connectionsMax)
      clients.push(await eventually(() => openWebSocket(t, url), { what: 'there is room' }));
    assert.equal((await refusedWebSocket(t, url)).status, 503);
  };
  for (let death = 1; death <= deaths; death += 1) {
    await fill();
    await runInWorker(node, 'setTimeout(() => process.exit(3))');
    await eventually(() => scrape(node), {
      what: 'another one serves in its place',
      until: (now) =>
        now.sum('causeway_worker_restarts_total') === death && now.value('causeway_workers') === 2,
    });
    await eventually(() => scrape(node), {
      what: 'those that are left are counted',
      until: (now) => now.sum('causeway_streams') === clients.filter(({ isOver }) => !isOver).length,
    });
    cut += clients.filter(({ isOver }) => isOver).length;
    clients = clients.filter(({ isOver }) => !isOver);
    const answers = await Promise.all(clients.map((client) => client.ask('still here')));
    assert.ok(answers.every((answer) => answer === 'still here'));
    await eventually(() => chat.live === clients.length, { what: 'the upstream has seen it too' });
  }
  await fill();
  // A worker that has just come may have had none.
  assert.ok(cut > 0);
});
