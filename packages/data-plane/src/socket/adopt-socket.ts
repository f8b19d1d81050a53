/** Sockets that a server has accepted, with a say in what they read into. */

import { Socket, type SocketConstructorOpts } from 'node:net';

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
