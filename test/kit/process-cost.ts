// What processes have cost so far, from /proc, since the load generator shares the machine and throughput alone would lie.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

let ticksPerSecond = 0;

/** CPU time in microseconds, user and system, of a process with its threads and all descendants, ended ones included. */
export function cpuMicroseconds(pid: number): number {
  ticksPerSecond ||= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const ticks = family(pid).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
  return (ticks / ticksPerSecond) * 1e6;
}

/** Resident memory in bytes of a process and all its descendants; pages that they share count for each. */
export function residentBytes(pid: number): number {
  const kibibytes = family(pid).map(({ pid: each }) => {
    const status = readFileSync(`/proc/${each}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, each) => sum + each, 0) * 1024;
}

/** Open descriptors of a process: files, sockets and all else. Linux. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
}

function family(root: number): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat);
  const members = new Set([root]);
  // A child may have a lower pid than its parent, so one pass is not enough.
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** See proc_pid_stat(5): fields count from 1, and the command in parentheses may hold spaces. */
function readStat(pid: string): ProcessStat[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    return [{ pid: Number(pid), parent: field(4), cpuTicks: field(14) + field(15) + field(16) + field(17) }];
  } catch {
    // It ended between the listing and the reading.
    return [];
  }
}
