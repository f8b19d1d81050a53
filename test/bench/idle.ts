// What does an idle kept-alive connection cost? Every proxy gets the same thousands of them, each after one request.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { OwnScope } from '../kit/owner.ts';
import { residentBytes } from '../kit/process-cost.ts';
import { parseResponse } from '../kit/raw-response.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { makeDirectory, startPeer } from './contest.ts';
import { choosePeers, nameAndVersion } from './peers/all.ts';
import { startNginxUpstream } from './peers/nginx.ts';
import type { Peer } from './peers/peer.ts';
import { formatTable } from './table.ts';

const connections = 10_000;
/** Addresses that clients come from, so that ports do not run out: each has 28,000 on Linux. */
const addresses = 5;
/** Opened side by side. */
const batch = 200;
const request = 'GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n';

export interface IdleBenchOptions {
  readonly only: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

/** Prints the memory that each of the chosen proxies adds. Needs `ulimit -n` above the number of connections. */
export async function benchIdle({ only, print }: IdleBenchOptions): Promise<void> {
  const chosen = choosePeers(only);
  print(`${chosen.map(nameAndVersion).join(', ')}; ${connections} connections, one request on each`);
  const rows: string[][] = [];
  for (const peer of chosen) {
    // One after the other: all of them at once would need the memory of all.
    const scope = new OwnScope();
    try {
      rows.push(await measure(scope, peer));
    } finally {
      await scope.end();
    }
  }
  print(formatTable(['proxy', 'RSS before MiB', 'RSS after MiB', 'added MiB', 'KiB/connection'], rows));
}

async function measure(scope: OwnScope, peer: Peer): Promise<string[]> {
  const directory = await tempDir(scope);
  const upstream = await startNginxUpstream({
    owner: scope,
    directory: await makeDirectory(directory, 'upstream'),
  });
  const { port, pid } = await startPeer(scope, peer, directory, upstream);
  // What is there once and for all, and what requests leave to the garbage collector, is no cost of a connection.
  const warm = await openAll(port, 0, batch, connections / batch);
  const before = residentBytes(pid);
  const sockets = await openAll(port, batch, connections);
  const after = residentBytes(pid);
  for (const socket of [...warm, ...sockets]) socket.destroy();
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const kibibytesEach = (after - before) / sockets.length / 1024;
  return [
    peer.name,
    mebibytes(before),
    mebibytes(after),
    mebibytes(after - before),
    kibibytesEach.toFixed(1),
  ];
}

async function openAll(port: number, from: number, to: number, requests = 1): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let at = from; at < to; at += batch) {
    const some = Array.from({ length: Math.min(batch, to - at) }, (_, index) =>
      openIdle(port, at + index, requests),
    );
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

async function openIdle(port: number, index: number, requests: number): Promise<Socket> {
  const localAddress = `127.0.0.${2 + (index % addresses)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  await once(socket, 'connect');
  for (let count = 0; count < requests; count += 1) {
    socket.write(request);
    const status = await readStatus(socket);
    if (status !== 200) throw new Error(`connection ${index} got ${status}`);
  }
  return socket;
}

async function readStatus(socket: Socket): Promise<number> {
  let received: Buffer = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
    const parsed = parseResponse(received);
    if (parsed !== undefined) return parsed.response.status;
  }
}
