// How much does a proxied request cost, beside nginx and the others, on this machine, in the same minutes? Every proxy runs with
// one worker and, where it can, with its access log on.

import { cpuMicroseconds, residentBytes } from '../kit/process-cost.ts';
import type { Owner } from '../kit/owner.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { makeDirectory, startPeer } from './contest.ts';
import { findProgram, versionOf } from './machine.ts';
import { choosePeers, nameAndVersion } from './peers/all.ts';
import { startNginxUpstream } from './peers/nginx.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { formatTable } from './table.ts';
import { runH2load } from './h2load.ts';
import { runHandshakes } from './handshakes.ts';
import { runWrk, type WrkResult } from './wrk.ts';

const rounds = 2;
/** A runtime that compiles as it runs needs some seconds for it: at first until what is seldom called is compiled as well. */
const firstWarmUpSeconds = 15;
const warmUpSeconds = 3;

export interface ProxyBenchOptions {
  /** Of each measured run. */
  readonly seconds: number;
  /** Names of the peers; absent = all that are installed. */
  readonly only: readonly string[] | undefined;
  /** Names of the scenarios; absent = all. */
  readonly scenario: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

/** Runs the chosen proxies in turn, twice for each scenario, and prints a table each. Throws when wrk or nginx is missing, or a proxy fails. */
export async function benchProxies(owner: Owner, options: ProxyBenchOptions): Promise<void> {
  const { seconds, only, scenario, print } = options;
  const tools = findTools();
  const chosen = choosePeers(only);
  print(
    [
      `wrk ${versionOf(tools.wrk, '-v')}`,
      `h2load ${versionOf(tools.h2load, '--version')}`,
      ...chosen.map(nameAndVersion),
    ].join(', '),
  );
  const directory = await tempDir(owner);
  const upstream = await startNginxUpstream({ owner, directory: await makeDirectory(directory, 'upstream') });
  const running: [Peer, RunningPeer][] = [];
  for (const peer of chosen) running.push([peer, await startPeer(owner, peer, directory, upstream)]);
  for (const each of scenarios.filter(({ name }) => scenario?.includes(name) ?? true)) {
    const able = running.filter(
      ([, { tlsPort, http2Port }]) =>
        (each.tls === undefined || tlsPort !== undefined) &&
        (each.streams === undefined || http2Port !== undefined),
    );
    const subjects = able.map(([peer, proxy]): Subject => ({ peer, running: proxy, runs: [] }));
    for (let round = 1; round <= rounds; round += 1) {
      for (const subject of subjects) {
        print(`${each.name}, round ${round} of ${rounds}: ${subject.peer.name}, ${seconds} s`);
        const warmUp = round === 1 ? firstWarmUpSeconds : warmUpSeconds;
        subject.runs.push(await measure(subject.running, each, { tools, directory, seconds, warmUp }));
      }
    }
    print(`\n${report(each, subjects)}\n`);
  }
}

interface Tools {
  readonly wrk: string;
  readonly h2load: string;
}

function findTools(): Tools {
  const wrk = findProgram('wrk');
  const h2load = findProgram('h2load');
  if (wrk === undefined || h2load === undefined || findProgram('nginx') === undefined) {
    throw new Error('this bench needs wrk, h2load and nginx: run scripts/setup-test-deps --bench');
  }
  return { wrk, h2load };
}

interface Run extends WrkResult {
  readonly cpuUsPerUnit: number;
  readonly residentBytes: number;
}

interface Subject {
  readonly peer: Peer;
  readonly running: RunningPeer;
  readonly runs: Run[];
}

async function measure(
  running: RunningPeer,
  scenario: Scenario,
  { tools, directory, seconds, warmUp }: { tools: Tools; directory: string; seconds: number; warmUp: number },
): Promise<Run> {
  const { pid } = running;
  const load = loadOf(running, scenario, tools, directory);
  await load(warmUp);
  const before = cpuMicroseconds(pid);
  const result = await load(seconds);
  const cpuUsPerUnit = (cpuMicroseconds(pid) - before) / result.requests;
  return { ...result, cpuUsPerUnit, residentBytes: residentBytes(pid) };
}

/** Runs for so many seconds. */
type Load = (seconds: number) => Promise<WrkResult>;

function loadOf(
  { port, tlsPort, http2Port }: RunningPeer,
  { path, connections, uploadBytes, tls, streams }: Scenario,
  { wrk, h2load }: Tools,
  directory: string,
): Load {
  if (streams !== undefined) {
    const load = {
      program: h2load,
      directory,
      url: `http://127.0.0.1:${http2Port}${path}`,
      connections,
      streams,
    };
    return (seconds) => runH2load({ ...load, seconds });
  }
  if (tls === 'fresh') {
    const url = `https://localhost:${tlsPort}${path}`;
    return (seconds) => runHandshakes({ url, rate: connections, seconds });
  }
  const url = tls === undefined ? `http://127.0.0.1:${port}${path}` : `https://localhost:${tlsPort}${path}`;
  const load = { program: wrk, directory, url, connections, uploadBytes };
  return (seconds) => runWrk({ ...load, seconds });
}

function report({ name, unit, connections, tls }: Scenario, subjects: readonly Subject[]): string {
  const base = subjects.find(({ peer }) => peer.name === 'nginx');
  const baseCpu = base === undefined ? undefined : meanOf(base.runs, (run) => run.cpuUsPerUnit);
  const heading = [
    `${name}, ${connections} connections${tls === 'fresh' ? '/s' : ''}`,
    `${unit}s/s`,
    'p50 ms',
    'p99 ms',
    `CPU us/${unit}`,
    'spread',
    'of nginx',
    'RSS MiB',
    'log',
    'failed',
  ];
  const rows = subjects.map(({ peer, runs }) => {
    const cpu = meanOf(runs, (run) => run.cpuUsPerUnit);
    return [
      peer.name,
      meanOf(runs, (run) => run.requests / run.seconds).toFixed(0),
      msOf(runs, (run) => run.p50Us),
      msOf(runs, (run) => run.p99Us),
      cpu.toFixed(1),
      `${((100 * spreadOf(runs)) / cpu).toFixed(0)} %`,
      baseCpu === undefined ? '-' : (cpu / baseCpu).toFixed(2),
      meanOf(runs, (run) => run.residentBytes / 2 ** 20).toFixed(0),
      peer.logs ? 'file' : 'none',
      runs.reduce((sum, run) => sum + run.failed, 0).toFixed(0),
    ];
  });
  return formatTable(heading, rows);
}

function meanOf(runs: readonly Run[], value: (run: Run) => number): number {
  return runs.reduce((sum, run) => sum + value(run), 0) / runs.length;
}

function msOf(runs: readonly Run[], us: (run: Run) => number): string {
  const mean = meanOf(runs, us);
  return Number.isNaN(mean) ? '-' : (mean / 1000).toFixed(2);
}

/** Between the cheapest and the dearest run: what is less than this apart is not apart. */
function spreadOf(runs: readonly Run[]): number {
  const costs = runs.map((run) => run.cpuUsPerUnit);
  return Math.max(...costs) - Math.min(...costs);
}
