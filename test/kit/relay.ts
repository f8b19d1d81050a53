// A TCP relay in the middle: counts what passes, and cuts the line.

import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { onEnd, type Owner } from './owner.ts';

export interface Relay {
  readonly port: number;
  /** Bytes from the target to clients since the start. */
  readonly bytesDown: number;
  /** Bytes from clients to the target since the start. */
  readonly bytesUp: number;
  /** Destroys every connection; new ones are taken. */
  cut(): void;
}

/** Relays every connection to a loopback port. */
export async function startRelay(owner: Owner, targetPort: () => number): Promise<Relay> {
  const count = { bytesDown: 0, bytesUp: 0 };
  const sockets = new Set<Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    // Without it small messages would wait for the acknowledgement of those before them, 40 ms on Linux.
    client.setNoDelay();
    const target = connect({ port: targetPort(), host: '127.0.0.1', noDelay: true });
    for (const [from, to, key] of [
      [client, target, 'bytesUp'],
      [target, client, 'bytesDown'],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => (count[key] += chunk.byteLength));
      from.on('error', () => {
        // 'close' follows and ends the other side.
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(owner, () => {
    cut();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get bytesDown() {
      return count.bytesDown;
    },
    get bytesUp() {
      return count.bytesUp;
    },
    cut,
  };
}
