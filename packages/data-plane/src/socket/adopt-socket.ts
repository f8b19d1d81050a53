/** Sockets that a server has accepted, with a say in what they read into. */

import { Socket, type SocketConstructorOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { socketBufferBytes } from './message-writer.ts';
import type { ReadMemory } from './read-memory.ts';

/**
 * A socket in the place of `accepted`, which has not begun to read (`pauseOnConnect`) and is not to be used any more.
 *
 * Hot path: only whoever makes a socket can say what it reads into, and of accepted ones that is the runtime; so the system's handle
 * gets another one. Where there is no such handle the socket itself is given back, and reads as usual.
 */
export function adoptSocket(accepted: Socket, memory: ReadMemory): Socket {
  const handle: { useUserBuffer?: unknown } | null | undefined = Reflect.get(accepted, '_handle');
  if (typeof handle?.useUserBuffer !== 'function') return accepted;
  Reflect.set(accepted, '_handle', null);
  const options = { handle, onread: memory.onread, allowHalfOpen: true, highWaterMark: socketBufferBytes };
  return new Socket(options as unknown as SocketConstructorOpts);
}

/** Where the runtime keeps what its `onread` is made of; undefined: not where it was. */
const slots = (() => {
  const probe = new Socket({ onread: { buffer: Buffer.alloc(1), callback: () => true } });
  const symbols = Object.getOwnPropertySymbols(probe);
  const [memory, callback, next] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  return memory && callback && next && { memory, callback, next };
})();

/**
 * Has a TLS socket of a server read into `memory`, as `tls.connect` lets a client's: the runtime takes no `onread` for sockets that it
 * makes itself. False: nothing is changed, for it does not look as expected, or has read something already.
 *
 * Hot path: spares a request its memory, and the way through a Readable (test/bench, small-tls).
 */
export function readInto(socket: TLSSocket, memory: ReadMemory): boolean {
  const handle: { useUserBuffer?: unknown } | null | undefined = Reflect.get(socket, '_handle');
  if (slots === undefined || typeof handle?.useUserBuffer !== 'function' || socket.readableLength > 0)
    return false;
  const { buffer, callback } = memory.onread;
  const first = buffer();
  Reflect.set(socket, slots.memory, first);
  Reflect.set(socket, slots.callback, callback);
  Reflect.set(socket, slots.next, buffer);
  handle.useUserBuffer(first);
  return true;
}
