// What does a WebSocket cost that says nothing? Every proxy gets the same thousands of them, each after one message; both sides count.

import { setTimeout as sleep } from 'node:timers/promises';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds, residentBytes } from '../kit/process-cost.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { startPeer } from './contest.ts';
import { type EchoConnection, openEchoConnection } from './echo-connection.ts';
import type { IdleBenchOptions } from './idle.ts';
import { choosePeers, nameAndVersion } from './peers/all.ts';
import type { Peer } from './peers/peer.ts';
import { startStreamUpstream } from './stream-upstream.ts';
import { formatTable } from './table.ts';

/** Twice as many descriptors in the proxy's process, which has 20,000 on many machines. */
const connections = 8000;
/** Opened side by side. */
const batch = 200;
const warmMessages = 100;
const path = '/websocket';
const restSeconds = 10;

/** Prints the memory that each of the chosen proxies adds. Needs `ulimit -n` above twice the number of connections. */
export async function benchIdleWebSockets({ only, print }: IdleBenchOptions): Promise<void> {
  const chosen = choosePeers(only ?? ['ours', 'nginx']);
  print(`${chosen.map(nameAndVersion).join(', ')}; ${connections} WebSockets, one message on each`);
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
  print(
    formatTable(
      ['proxy', 'RSS before MiB', 'RSS after MiB', 'added MiB', 'KiB/WebSocket', 'CPU at rest'],
      rows,
    ),
  );
}

async function measure(scope: OwnScope, peer: Peer): Promise<string[]> {
  const upstream = await startStreamUpstream(scope);
  const { port, pid } = await startPeer(scope, peer, await tempDir(scope), upstream);
  // What is there once and for all, and what messages leave to the garbage collector, is no cost of a connection.
  const warm = await openAll(port, 0, batch, warmMessages);
  const before = residentBytes(pid);
  const idle = await openAll(port, batch, connections, 1);
  const after = residentBytes(pid);
  const cpuBefore = cpuMicroseconds(pid);
  await sleep(restSeconds * 1000);
  const cpuShare = (cpuMicroseconds(pid) - cpuBefore) / (restSeconds * 1e6);
  for (const connection of [...warm, ...idle]) connection.destroy();
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const kibibytesEach = (after - before) / idle.length / 1024;
  return [
    peer.name,
    mebibytes(before),
    mebibytes(after),
    mebibytes(after - before),
    kibibytesEach.toFixed(1),
    `${(100 * cpuShare).toFixed(1)} %`,
  ];
}

async function openAll(port: number, from: number, to: number, messages: number): Promise<EchoConnection[]> {
  const open: EchoConnection[] = [];
  for (let at = from; at < to; at += batch) {
    const some = Array.from({ length: Math.min(batch, to - at) }, async (_, index) => {
      const connection = await openEchoConnection(port, path, at + index);
      await connection.run(messages);
      return connection;
    });
    open.push(...(await Promise.all(some)));
  }
  return open;
}
