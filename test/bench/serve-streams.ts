// The upstream of benches about streams, a process of its own: PORT. It does as little as it can, so that the proxy is what is measured.

import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { answerFrame, eventEveryMs, messageFrameBytes } from './stream-traffic.ts';

/** RFC 6455 section 1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  response.socket?.setNoDelay();
  tell(response);
});

server.on('upgrade', (request, socket: Duplex) => {
  const accept = createHash('sha1')
    .update(request.headers['sec-websocket-key'] + acceptSuffix)
    .digest('base64');
  const fields = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${fields.join('\r\n')}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  // A message for each of the client's, as many in one write as have come in one read.
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    const messages = Math.floor(bytes / messageFrameBytes);
    bytes -= messages * messageFrameBytes;
    if (messages === 1) socket.write(answerFrame);
    else if (messages > 1) socket.write(Buffer.concat(Array.from({ length: messages }, () => answerFrame)));
  });
  socket.on('error', () => {});
});

/** Each stream begins at a moment of its own, so that their events are spread. */
function tell(response: ServerResponse): void {
  const timers: NodeJS.Timeout[] = [];
  const send = (): void => void response.write(`data: ${process.hrtime.bigint()}\n\n`);
  timers.push(setTimeout(() => timers.push(setInterval(send, eventEveryMs)), Math.random() * eventEveryMs));
  response.once('close', () => {
    for (const timer of timers) clearInterval(timer);
  });
}

server.requestTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1', 16_384);
