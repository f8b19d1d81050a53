// What every upstream of the kit shares: a free loopback port, and no connection left behind.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { onEnd, type Owner } from '../owner.ts';

export interface Upstream {
  readonly port: number;
}

/** Opens `server` on a free loopback port; when `owner` ends, the server and each of its connections are closed. */
export async function listen(owner: Owner, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A gateway may end a connection at any moment; what that means is for the test to say, not for the upstream.
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(owner, async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
