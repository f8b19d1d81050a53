/** Upstreams of raw bytes, for what no HTTP server would send. */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Listens on a free port of loopback; server and sockets end with the test. */
export async function listenRaw(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return address.port;
}

/** Calls `serve` for each connection. */
export async function startRaw(context: TestContext, serve: (socket: Socket) => void): Promise<number> {
  return listenRaw(context, createServer(serve));
}

export interface RawUpstream {
  readonly port: number;
  /** What has arrived, in order: of requests without a body, their heads. */
  readonly heads: string[];
  /** Connections so far. */
  readonly sockets: Socket[];
}

/** Answers each piece that arrives with what `answer` gives for it; undefined answers nothing. */
export async function rawUpstream(
  context: TestContext,
  answer: (head: string, index: number, socket: Socket) => string | undefined,
): Promise<RawUpstream> {
  const heads: string[] = [];
  const sockets: Socket[] = [];
  const port = await startRaw(context, (socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => {
      const head = bytes.toString('latin1');
      heads.push(head);
      const text = answer(head, heads.length - 1, socket);
      if (text !== undefined) socket.write(text, 'latin1');
    });
  });
  return { port, heads, sockets };
}
