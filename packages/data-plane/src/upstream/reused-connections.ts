/** Tells whether a connection that failed had served a request before: then the upstream had most likely just let go of it. */

import type { Socket } from 'node:net';
import { errors } from 'undici';

const reused = new WeakSet<object>();

/** Call it once for each new connection, before its first request. */
export function watchConnection(socket: Socket): void {
  socket.on('error', (error) => {
    if (socket.bytesRead > 0) reused.add(error);
  });
}

/** Whether `error`, which ended a request, came from a connection that had already carried a response. */
export function cameFromReusedConnection(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (reused.has(error)) return true;
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}
