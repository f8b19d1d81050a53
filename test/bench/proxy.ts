// How much does a proxied request cost, beside nginx and the others, on this machine, in the same minutes?

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Owner } from '../kit/owner.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { findProgram, versionOf } from './machine.ts';
import { caddy } from './peers/caddy.ts';
import { causeway } from './peers/causeway.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx, startNginxUpstream } from './peers/nginx.ts';
import { fastifyHttpProxy, httpProxy3 } from './peers/npm-proxies.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { cpuMicroseconds, residentBytes } from '../kit/process-cost.ts';
import { formatTable } from './table.ts';
import { runWrk, type WrkResult } from './wrk.ts';

const peers: readonly Peer[] = [causeway, nginx, haproxy, caddy, httpProxy3, fastifyHttpProxy];
const connections = 64;
const bodyBytes = 160;
const rounds = 2;
const warmUpSeconds = 1;

export interface ProxyBenchOptions {
  /** Of each measured run. */
  readonly seconds: number;
  /** Names of the peers; absent = all that are installed. */
  readonly only: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

/** Runs the chosen proxies in turn, twice, and prints a table. Throws when wrk or nginx is missing, or a proxy fails. */
export async function benchProxies(owner: Owner, { seconds, only, print }: ProxyBenchOptions): Promise<void> {
  const wrk = findProgram('wrk');
  if (wrk === undefined || findProgram('nginx') === undefined) {
    throw new Error('this bench needs wrk and nginx: run scripts/setup-test-deps --bench');
  }
  const chosen = choosePeers(only);
  print(
    [`wrk ${versionOf(wrk, '-v')}`, ...chosen.map((peer) => `${peer.name} ${peer.version()}`)].join(', '),
  );
  const directory = await tempDir(owner);
  const upstream = await startNginxUpstream(
    { owner, directory: await makeDirectory(directory, 'upstream') },
    bodyBytes,
  );
  const subjects: Subject[] = [];
  for (const peer of chosen) {
    const context = {
      owner,
      directory: await makeDirectory(directory, peer.name),
      upstreamPort: upstream.port,
    };
    subjects.push({ peer, running: await peer.start(context), runs: [] });
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of subjects) {
      print(`round ${round} of ${rounds}: ${subject.peer.name}, ${seconds} s`);
      subject.runs.push(await measure(subject.running, { wrk, directory, seconds }));
    }
  }
  print('');
  print(report(subjects));
}

function choosePeers(only: readonly string[] | undefined): Peer[] {
  const unknown = only?.find((name) => !peers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new Error(`no proxy "${unknown}"; there are ${peers.map(({ name }) => name).join(', ')}`);
  }
  return peers.filter((peer) => only?.includes(peer.name) ?? peer.version() !== undefined);
}

async function makeDirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path, { recursive: true });
  return path;
}

interface Run extends WrkResult {
  readonly cpuUsPerRequest: number;
  readonly residentBytes: number;
}

interface Subject {
  readonly peer: Peer;
  readonly running: RunningPeer;
  readonly runs: Run[];
}

async function measure(
  { port, pid }: RunningPeer,
  { wrk, directory, seconds }: { wrk: string; directory: string; seconds: number },
): Promise<Run> {
  const load = { program: wrk, directory, url: `http://127.0.0.1:${port}/`, connections };
  await runWrk({ ...load, seconds: warmUpSeconds });
  const before = cpuMicroseconds(pid);
  const result = await runWrk({ ...load, seconds });
  const cpuUsPerRequest = (cpuMicroseconds(pid) - before) / result.requests;
  return { ...result, cpuUsPerRequest, residentBytes: residentBytes(pid) };
}

function report(subjects: readonly Subject[]): string {
  const base = subjects.find(({ peer }) => peer === nginx);
  const baseCpu = base === undefined ? undefined : meanOf(base.runs, (run) => run.cpuUsPerRequest);
  const heading = [
    'proxy',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'CPU us/request',
    'spread',
    'of nginx',
    'RSS MiB',
    'failed',
  ];
  const rows = subjects.map(({ peer, runs }) => {
    const cpu = meanOf(runs, (run) => run.cpuUsPerRequest);
    return [
      peer.name,
      meanOf(runs, (run) => run.requests / run.seconds).toFixed(0),
      meanOf(runs, (run) => run.p50Us / 1000).toFixed(2),
      meanOf(runs, (run) => run.p99Us / 1000).toFixed(2),
      cpu.toFixed(1),
      `${((100 * spreadOf(runs)) / cpu).toFixed(0)} %`,
      baseCpu === undefined ? '-' : (cpu / baseCpu).toFixed(2),
      meanOf(runs, (run) => run.residentBytes / 2 ** 20).toFixed(0),
      runs.reduce((sum, run) => sum + run.failed, 0).toFixed(0),
    ];
  });
  return formatTable(heading, rows);
}

function meanOf(runs: readonly Run[], value: (run: Run) => number): number {
  return runs.reduce((sum, run) => sum + value(run), 0) / runs.length;
}

/** Between the cheapest and the dearest run: what is less than this apart is not apart. */
function spreadOf(runs: readonly Run[]): number {
  const costs = runs.map((run) => run.cpuUsPerRequest);
  return Math.max(...costs) - Math.min(...costs);
}
