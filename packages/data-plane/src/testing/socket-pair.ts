/** Two ends of one connection on loopback. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

import { socketBufferBytes } from '../socket/message-writer.ts';

export interface SocketPair {
  /** As the node makes its sockets. */
  readonly ours: Socket;
  /** Reads nothing until it is told to. */
  readonly theirs: Socket;
}

/** Both are destroyed with the test. */
export async function socketPair(context: TestContext): Promise<SocketPair> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const options = { port: address.port, host: '127.0.0.1', noDelay: true };
  const more = { allowHalfOpen: true, highWaterMark: socketBufferBytes };
  const ours = connect({ ...options, ...more });
  const [theirs] = await accepted;
  server.close();
  for (const socket of [ours, theirs]) {
    socket.on('error', () => {});
    context.after(() => void socket.destroy());
  }
  if (ours.connecting) await once(ours, 'connect');
  return { ours, theirs };
}

/** Takes exactly so many bytes, and stops reading. */
export async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let left = count;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (piece: Buffer): void => {
    pieces.push(piece.subarray(0, left));
    left -= piece.length;
    if (left > 0) return;
    socket.off('data', onData);
    socket.pause();
    if (left < 0) socket.unshift(piece.subarray(left));
    resolve();
  };
  const onClose = (): void => reject(new Error(`closed with ${left} bytes missing`));
  socket.on('data', onData).on('close', onClose);
  socket.resume();
  await promise;
  socket.off('close', onClose);
  return Buffer.concat(pieces);
}
