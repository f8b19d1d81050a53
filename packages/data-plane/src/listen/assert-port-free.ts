/** Finds out whether a port belongs to another process, before it is opened in a way that could share it. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemCodeOf } from '@causeway/runtime/errors';

import { addressesOf, covers, isSameAddress, isWildcard } from './address-cover.ts';

/**
 * Whether listening sockets take SO_REUSEPORT. Linux refuses `0.0.0.0:P` beside `127.0.0.1:P` without it. Elsewhere SO_REUSEADDR,
 * which Node.js always sets, allows such neighbours and nothing more, and macOS refuses `reusePort` altogether.
 */
export const needsReusePort = process.platform === 'linux';

/**
 * Rejects with EADDRINUSE when a socket other than `ours` (the addresses on which this process has `port`) is in the way of
 * `address:port`. Sockets with SO_REUSEPORT of two processes of one user would share the port without a word.
 */
export async function assertPortFree(address: string, port: number, ours: readonly string[]): Promise<void> {
  if (!needsReusePort || port === 0) return;
  for (const each of addressesToProbe(address, ours)) await probe(each, port, each !== address);
}

/** Where ours is in the way of the whole, the parts that it leaves over. */
function addressesToProbe(address: string, ours: readonly string[]): string[] {
  if (ours.length === 0 || ours.some((own) => isSameAddress(own, address))) return [address];
  const parts = isWildcard(address) ? addressesOf(address) : [address];
  return parts.filter((part) => !ours.some((own) => covers(own, part)));
}

async function probe(address: string, port: number, isPart: boolean): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    // An address may have left the machine since it was listed.
    if (!isPart || systemCodeOf(error) !== 'EADDRNOTAVAIL') throw error;
  } finally {
    server.close();
  }
}
