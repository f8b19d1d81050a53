// D7: a thousand clients that read hardly anything of large answers, and a thousand uploads that their upstream hardly reads.

import assert from 'node:assert/strict';

import { connect, createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { onEnd, type Owner } from '../kit/owner.ts';
import { residentBytes } from '../kit/process-cost.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { startEcho } from '../kit/upstreams/echo.ts';
import { listen, type Upstream } from '../kit/upstreams/listen.ts';
import { startStream } from '../kit/upstreams/stream.ts';
import { type Served, startRoutes } from './start-routes.ts';

const clients = 1000;
const mebibytes = 100;
/** What a slow upload has sent when it falls silent, in pieces. */
const pieces = 16;
const piece = 'x'.repeat(1024);
/** What a node may hold for one client, whatever that client does. */
const heldEachMax = 256 * 1024;
/** RSS moves by so much for other reasons: code that runs for the first time, garbage that waits for its collector. */
const noiseBytes = 48 << 20;
const pool = { maxConnections: clients + 10 };
/** Nothing moves any more when so many looks, so far apart, see the same. */
const looks = 5;
const lookMs = 200;

/** Connections that send `bytes` and read nothing. */
function startSilent(owner: Owner, port: number, count: number, bytes: string): Socket[] {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    // Reading would begin with a listener for data, and there is none.
    return socket.on('error', () => {});
  });
  onEnd(owner, () => sockets.forEach((socket) => void socket.destroy()));
  return sockets;
}

/** Waits until the count stands still above 0, watching the node's memory, and returns the most that it had. */
async function peakUntilStill(pid: number, count: () => number): Promise<number> {
  let peak = 0;
  let last = -1;
  let same = 0;
  await eventually(
    () => {
      peak = Math.max(peak, residentBytes(pid));
      same = count() === last && last > 0 ? same + 1 : 0;
      last = count();
      return same >= looks;
    },
    { what: 'nothing moves any more', timeoutMs: 40_000, intervalMs: lookMs },
  );
  return peak;
}

function assertHeld(t: TestContext, count: number, peak: number, base: number): void {
  const held = peak - base;
  t.diagnostic(`RSS ${(base / 2 ** 20).toFixed(0)} -> ${(peak / 2 ** 20).toFixed(0)} MiB`);
  t.diagnostic(`${(held / count / 1024).toFixed(1)} KiB each`);
  assert.ok(held <= count * heldEachMax + noiseBytes, `${held} bytes`);
}

/** Others are served as if nobody were slow. */
async function assertServes(t: TestContext, { port }: Served): Promise<void> {
  const client = await rawConnect(t, port);
  await client.send('GET /echo HTTP/1.1\r\nhost: a.test\r\n\r\n');
  assert.equal((await client.readResponse()).status, 200);
}

/** Reads the head of a request, and then nothing for as long as the test lasts. */
async function startUnreading(owner: Owner): Promise<Upstream & { readonly begun: number }> {
  let begun = 0;
  const server = createServer((socket) => {
    socket.once('data', () => {
      begun += 1;
      socket.pause();
    });
  });
  const port = await listen(owner, server);
  return {
    port,
    get begun() {
      return begun;
    },
  };
}

/** Writes into each connection as long as there is room, as an upload does. */
function pourInto(sockets: readonly Socket[]): { readonly taken: number } {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let taken = 0;
  const pour = (socket: Socket): void => {
    socket.write(chunk, (error) => {
      if (error) return;
      taken += chunk.length;
      pour(socket);
    });
  };
  for (const socket of sockets) pour(socket);
  return {
    get taken() {
      return taken;
    },
  };
}

function uploadHead(length: number): string {
  return `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${length}\r\n\r\n`;
}

describe('slow clients', () => {
  test(`${clients} that read nothing of ${mebibytes} MiB hold at most 256 KiB each`, async (t) => {
    const upstream = await startStream(t, mebibytes);
    const served = await startBeside(t, upstream);
    const { pid } = served.node.child;
    const base = residentBytes(pid);
    startSilent(t, served.port, clients, 'GET / HTTP/1.1\r\nhost: a.test\r\n\r\n');
    assertHeld(t, clients, await peakUntilStill(pid, () => upstream.bytesTaken), base);
    t.diagnostic(`${(upstream.bytesTaken / clients / 1024).toFixed(0)} KiB of each left the upstream`);
    assert.ok(upstream.bytesTaken < clients * mebibytes * 2 ** 20 * 0.1, 'the upstream is made to wait');
    await assertServes(t, served);
  });

  test(`${clients} fast uploads that the upstream does not read hold at most 256 KiB each`, async (t) => {
    const upstream = await startUnreading(t);
    const served = await startBeside(t, upstream);
    const { pid } = served.node.child;
    const base = residentBytes(pid);
    const length = mebibytes * 2 ** 20;
    const poured = pourInto(startSilent(t, served.port, clients, uploadHead(length)));
    await eventually(() => upstream.begun, { what: 'all uploads have begun', until: (n) => n === clients });
    assertHeld(t, clients, await peakUntilStill(pid, () => poured.taken), base);
    t.diagnostic(`${(poured.taken / clients / 1024).toFixed(0)} KiB of each left its client`);
    assert.ok(poured.taken < clients * length * 0.2, 'the clients are made to wait');
    await assertServes(t, served);
  });

  test(`${clients} uploads that fall silent hold at most 256 KiB each`, async (t) => {
    const upstream = await startUnreading(t);
    const served = await startBeside(t, upstream);
    const { pid } = served.node.child;
    const base = residentBytes(pid);
    const sockets = startSilent(t, served.port, clients, uploadHead(mebibytes * 2 ** 20));
    for (let sent = 0; sent < pieces; sent += 1)
      await Promise.all(
        sockets.map((socket) => new Promise<void>((resolve) => void socket.write(piece, () => resolve()))),
      );
    await eventually(() => upstream.begun, { what: 'all uploads have begun', until: (n) => n === clients });
    assertHeld(t, clients, residentBytes(pid), base);
    await assertServes(t, served);
  });
});

/** The upstream at the root, and another one that answers at once. */
async function startBeside(t: TestContext, { port }: Upstream): Promise<Served> {
  const echo = await startEcho(t);
  return startRoutes(t, { '': { port, service: { pool } }, echo: { port: echo.port } });
}
