// Clients that do everything wrong, again and again: what is left of them afterwards is a leak.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a client misbehaves: it acts on its own connection and may leave it in any state. */
type Misdeed = (socket: Socket, random: () => number) => Promise<void> | void;

const head = (line: string, fields = ''): string => `${line} HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`;
const pauseMsMax = 20;
const goneMs = 5000;

const misdeeds: readonly Misdeed[] = [
  // Nothing at all, and an RST.
  (socket) => void socket.resetAndDestroy(),
  // Half a head.
  (socket) => void socket.end('GET / HTTP/1.1\r\nhos'),
  // Bytes that are no HTTP.
  (socket) => void socket.write(Buffer.alloc(200, 0xff)),
  // A head that is too large.
  (socket) => void socket.write(head('GET /', `x: ${'a'.repeat(65_536)}\r\n`)),
  // Two framings.
  (socket) => void socket.write(head('POST /', 'content-length: 5\r\ntransfer-encoding: chunked\r\n')),
  // A broken chunk behind a good one.
  (socket) => void socket.write(`${head('POST /', 'transfer-encoding: chunked\r\n')}5\r\nhello\r\nZZ\r\n`),
  // No answer awaited.
  (socket) => void socket.end(head('GET /')),
  // Gone within an upload.
  async (socket, random) => {
    socket.write(`${head('POST /', 'content-length: 1000000\r\n')}${'x'.repeat(1000)}`);
    await sleep(random() * pauseMsMax);
    socket.resetAndDestroy();
  },
  // Gone within a download.
  async (socket) => {
    socket.write(head('GET /stream'));
    await once(socket, 'data');
    socket.destroy();
  },
  // An upstream that dies within its response.
  (socket, random) => void socket.write(head(`GET /broken/chunked/rst/${Math.floor(random() * 100_000)}`)),
  (socket, random) => void socket.write(head(`GET /broken/length/fin/${Math.floor(random() * 100_000)}`)),
  // Many requests at once, and gone before the answers.
  async (socket, random) => {
    socket.write(head('GET /').repeat(50));
    await sleep(random() * pauseMsMax);
    socket.destroy();
  },
  // No Route, no host.
  (socket) => void socket.write(head('GET http://b.test/')),
];

/** Misbehaves on connection after connection until the signal is given. Resolves with how often. */
export async function misbehave(port: number, random: () => number, until: AbortSignal): Promise<number> {
  let deeds = 0;
  while (!until.aborted) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {
      // 'close' follows.
    });
    const closed = once(socket, 'close').catch(() => {});
    await Promise.race([once(socket, 'connect'), closed]).catch(() => {});
    const deed = misdeeds[Math.floor(random() * misdeeds.length)]!;
    await Promise.race([Promise.resolve(deed(socket, random)).catch(() => {}), closed]);
    socket.resume();
    socket.setTimeout(random() * pauseMsMax + 1, () => void socket.destroy());
    await Promise.race([closed, sleep(goneMs)]);
    deeds += 1;
  }
  return deeds;
}
