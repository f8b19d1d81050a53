// What does a message of a WebSocket cost, beside nginx? CPU of the proxy's process for each message that it passes on, either way.

import { setTimeout as sleep } from 'node:timers/promises';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { startPeer } from './contest.ts';
import { type EchoConnection, openEchoConnection } from './echo-connection.ts';
import { choosePeers, nameAndVersion } from './peers/all.ts';
import { ruledPath } from './peers/causeway.ts';
import type { RunningPeer } from './peers/peer.ts';
import { startStreamUpstream } from './stream-upstream.ts';
import { formatTable } from './table.ts';

const rounds = 2;
const firstWarmUpSeconds = 15;
const warmUpSeconds = 3;
const passPath = '/websocket';

const scenarios = [
  { name: 'one at a time', connections: 64, inFlight: 1 },
  { name: '32 under way', connections: 16, inFlight: 32 },
] as const;

export interface WebSocketBenchOptions {
  /** Of each measured run. */
  readonly seconds: number;
  readonly only: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

interface Subject {
  readonly name: string;
  readonly path: string;
  readonly running: RunningPeer;
  readonly runs: Run[];
}

interface Run {
  readonly messages: number;
  readonly cpuUsPerMessage: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs the chosen proxies in turn, twice for each scenario, and prints a table each. */
export async function benchWebSocket({ seconds, only, print }: WebSocketBenchOptions): Promise<void> {
  const scope = new OwnScope();
  try {
    const chosen = choosePeers(only ?? ['ours', 'nginx']);
    print(chosen.map(nameAndVersion).join(', '));
    const directory = await tempDir(scope);
    const upstream = await startStreamUpstream(scope);
    const subjects: Subject[] = [];
    for (const peer of chosen) {
      const running = await startPeer(scope, peer, directory, upstream);
      subjects.push({ name: peer.name, path: passPath, running, runs: [] });
      if (peer.name === 'ours') subjects.push({ name: 'ours, read', path: ruledPath, running, runs: [] });
    }
    for (const scenario of scenarios) {
      for (let round = 1; round <= rounds; round += 1)
        for (const subject of subjects) {
          print(`${scenario.name}, round ${round} of ${rounds}: ${subject.name}, ${seconds} s`);
          const warmUp = round === 1 ? firstWarmUpSeconds : warmUpSeconds;
          subject.runs.push(await measure(subject, scenario, warmUp, seconds));
        }
      print(`\n${report(scenario.name, subjects)}\n`);
      for (const { runs } of subjects) runs.length = 0;
    }
  } finally {
    await scope.end();
  }
}

async function measure(
  { running: { port, pid }, path }: Subject,
  { connections, inFlight }: (typeof scenarios)[number],
  warmUp: number,
  seconds: number,
): Promise<Run> {
  const open = await Promise.all(
    Array.from({ length: connections }, (_, index) => openEchoConnection(port, path, index)),
  );
  await runFor(open, inFlight, warmUp, () => {});
  const latencies: number[] = [];
  const before = cpuMicroseconds(pid);
  await runFor(open, inFlight, seconds, (tookMs) => latencies.push(tookMs));
  const messages = 2 * latencies.length;
  const cpuUsPerMessage = (cpuMicroseconds(pid) - before) / messages;
  for (const connection of open) connection.destroy();
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { messages, cpuUsPerMessage, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function runFor(
  open: readonly EchoConnection[],
  inFlight: number,
  seconds: number,
  onAnswer: (tookMs: number) => void,
): Promise<void> {
  const running = open.map((connection) => connection.run(Infinity, inFlight, onAnswer));
  await sleep(seconds * 1000);
  for (const connection of open) connection.stop();
  await Promise.all(running);
}

function report(name: string, subjects: readonly Subject[]): string {
  const mean = (runs: readonly Run[], value: (run: Run) => number): number =>
    runs.reduce((sum, run) => sum + value(run), 0) / runs.length;
  const base = subjects.find((subject) => subject.name === 'nginx');
  const rows = subjects.map((subject) => {
    const { runs } = subject;
    const cpu = mean(runs, (run) => run.cpuUsPerMessage);
    const costs = runs.map((run) => run.cpuUsPerMessage);
    return [
      subject.name,
      mean(runs, (run) => run.messages).toFixed(0),
      cpu.toFixed(2),
      `${((100 * (Math.max(...costs) - Math.min(...costs))) / cpu).toFixed(0)} %`,
      base === undefined ? '-' : (cpu / mean(base.runs, (run) => run.cpuUsPerMessage)).toFixed(2),
      mean(runs, (run) => run.p50Ms).toFixed(2),
      mean(runs, (run) => run.p99Ms).toFixed(2),
    ];
  });
  const heading = [name, 'messages', 'CPU us/message', 'spread', 'of nginx', 'p50 ms', 'p99 ms'];
  return formatTable(heading, rows);
}
