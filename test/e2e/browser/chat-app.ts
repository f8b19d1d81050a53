// The application behind deploy/examples/chat.yaml: a page, and a room for those who have opened it. To try the example:
// `npx node test/e2e/browser/chat-app.ts 9004`.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

export interface ChatApp {
  readonly server: Server;
  /** Who is in the room. */
  readonly people: number;
}

/** Not listening yet. What one says goes to all, behind the name of the room. */
export function createChat(room: string): ChatApp {
  const page = readFileSync(join(import.meta.dirname, 'chat.html'));
  const server = createServer((request, response) => {
    if (request.url === '/healthz') response.end('ok');
    else if (request.url === '/') response.setHeader('content-type', 'text/html').end(page);
    else response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({ server, path: '/room' });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (text: Buffer) => {
      for (const each of sockets.clients) each.send(`${room}: ${text.toString()}`);
    });
  });
  return {
    server,
    get people() {
      return sockets.clients.size;
    },
  };
}

if (import.meta.main)
  createChat(`room ${process.argv[2]}`).server.listen(Number(process.argv[2]), '127.0.0.1');
