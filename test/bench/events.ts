// How much later does an event come through a proxy? Streams of events with the time at which each was sent, straight and through each proxy.

import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { startPeer } from './contest.ts';
import { choosePeers, nameAndVersion } from './peers/all.ts';
import type { RunningPeer } from './peers/peer.ts';
import { eventEveryMs } from './stream-traffic.ts';
import { startStreamUpstream } from './stream-upstream.ts';
import { formatTable } from './table.ts';

const streams = 500;
const rounds = 2;
const warmUpSeconds = 5;

export interface EventsBenchOptions {
  /** Of each measured run. */
  readonly seconds: number;
  readonly only: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

interface Subject {
  readonly name: string;
  readonly running: RunningPeer;
  readonly delaysMs: number[];
  cpuUs: number;
}

/** Prints delays, and by how much they exceed those without a proxy. */
export async function benchEvents({ seconds, only, print }: EventsBenchOptions): Promise<void> {
  const scope = new OwnScope();
  try {
    const chosen = choosePeers(only ?? ['ours', 'nginx']);
    print(`${chosen.map(nameAndVersion).join(', ')}; ${streams} streams, an event each ${eventEveryMs} ms`);
    const directory = await tempDir(scope);
    const upstream = await startStreamUpstream(scope);
    const subjects: Subject[] = [{ name: 'straight', running: upstream, delaysMs: [], cpuUs: 0 }];
    for (const peer of chosen) {
      const running = await startPeer(scope, peer, directory, upstream);
      subjects.push({ name: peer.name, running, delaysMs: [], cpuUs: 0 });
    }
    for (let round = 1; round <= rounds; round += 1)
      for (const subject of subjects) {
        print(`round ${round} of ${rounds}: ${subject.name}, ${seconds} s`);
        await measure(subject, seconds);
      }
    print(report(subjects));
  } finally {
    await scope.end();
  }
}

async function measure(subject: Subject, seconds: number): Promise<void> {
  const { port, pid } = subject.running;
  let onDelay: (delayMs: number) => void = () => {};
  const leave = await Promise.all(
    Array.from({ length: streams }, () => openStream(port, (delayMs) => onDelay(delayMs))),
  );
  await sleep(warmUpSeconds * 1000);
  const before = cpuMicroseconds(pid);
  onDelay = (delayMs) => subject.delaysMs.push(delayMs);
  await sleep(seconds * 1000);
  subject.cpuUs += cpuMicroseconds(pid) - before;
  onDelay = () => {};
  for (const each of leave) each();
}

/** Gives what ends it. An event of this size comes in one piece. */
async function openStream(port: number, onDelay: (delayMs: number) => void): Promise<() => void> {
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  const request = get({ port, host: '127.0.0.1', path: '/events', agent: false }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
    response.on('data', (chunk: Buffer) => {
      const nowNs = process.hrtime.bigint();
      for (const [, sentNs] of chunk.toString('latin1').matchAll(/data: (\d+)/g))
        onDelay(Number(nowNs - BigInt(sentNs!)) / 1e6);
    });
    response.on('error', () => {});
    resolve(() => void request.destroy());
  });
  request.on('error', reject);
  return promise;
}

function report(subjects: readonly Subject[]): string {
  const at = ({ delaysMs }: Subject, share: number): number =>
    Float64Array.from(delaysMs).toSorted()[Math.floor(share * (delaysMs.length - 1))]!;
  const straight = subjects[0]!;
  const rows = subjects.map((subject) => {
    const added = (share: number): string =>
      subject === straight ? '-' : (at(subject, share) - at(straight, share)).toFixed(2);
    return [
      subject.name,
      String(subject.delaysMs.length),
      at(subject, 0.5).toFixed(2),
      at(subject, 0.99).toFixed(2),
      added(0.5),
      added(0.99),
      subject === straight ? '-' : (subject.cpuUs / subject.delaysMs.length).toFixed(1),
    ];
  });
  const heading = ['proxy', 'events', 'p50 ms', 'p99 ms', 'added p50', 'added p99', 'CPU us/event'];
  return formatTable(heading, rows);
}
