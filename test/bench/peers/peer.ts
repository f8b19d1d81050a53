// What is compared: a proxy, started as one process with one worker, in front of the same upstream.

import { connect } from 'node:net';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { IssuedCertificate } from '@causeway/runtime/testing/test-authority';
import type { Child } from '../../kit/child.ts';
import { eventually } from '../../kit/eventually.ts';
import type { Owner } from '../../kit/owner.ts';

export interface PeerContext {
  readonly owner: Owner;
  /** A directory of the peer's own, for its configuration. */
  readonly directory: string;
  readonly upstreamPort: number;
  /** For localhost: P-256, as most are by now. */
  readonly certificate: IssuedCertificate;
  /** The same upstream, where it speaks HTTP/2 by prior knowledge. */
  readonly upstreamHttp2Port: number;
}

/** A proxy that is serving. */
export interface RunningPeer {
  readonly port: number;
  /** Where it speaks HTTPS, TLS 1.2 and 1.3, with session tickets; undefined: nowhere. */
  readonly tlsPort?: number;
  /** Where it speaks HTTP/2 by prior knowledge; undefined: nowhere. */
  readonly http2Port?: number;
  /** The process whose cost, with that of its descendants, is the proxy's. */
  readonly pid: number;
}

export interface Peer {
  readonly name: string;
  /** Writes a line for every request to a file, as ours does. */
  readonly logs: boolean;
  /** Its version, or `undefined` when it is not installed. */
  version(): string | undefined;
  start(context: PeerContext): Promise<RunningPeer>;
}

/** A port that nobody has at this moment; for programs that cannot say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** Waits until `child` accepts connections on `port`. */
export async function untilServing(child: Child, port: number): Promise<RunningPeer> {
  await eventually(
    async () => {
      if (!child.running) return true;
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
      return true;
    },
    { what: `${child.name} on port ${port}` },
  );
  if (!child.running)
    throw new Error(`${child.name} has ended: ${child.logs.map(({ msg }) => msg).join('\n')}`);
  return { port, pid: child.pid };
}
