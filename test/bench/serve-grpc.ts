// Answers every call by gRPC with one message, and the trailers of success: serve-grpc.ts PORT MESSAGE, the message in base64.

import { createServer, type ServerHttp2Stream } from 'node:http2';

const [port, message = ''] = process.argv.slice(2);
const bytes = Buffer.from(message, 'base64');
const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.resume();
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(bytes);
  });
});
server.listen(Number(port), '127.0.0.1');
