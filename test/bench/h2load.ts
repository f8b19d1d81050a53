// h2load as a function: one run, its counts and its latencies.

import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WrkResult } from './wrk.ts';

export interface H2loadOptions {
  program: string;
  /** For its log. */
  directory: string;
  url: string;
  seconds: number;
  connections: number;
  /** Requests under way on each connection. */
  streams: number;
  headers?: Readonly<Record<string, string>>;
  /** Each request is a POST of it. */
  bodyFile?: string;
}

/** Runs h2load with one thread on kept-alive connections. Throws when not a single request succeeded. */
export async function runH2load(options: H2loadOptions): Promise<WrkResult> {
  const { program, directory, url, seconds, connections, streams, headers = {}, bodyFile } = options;
  const log = join(directory, 'h2load.log');
  // It adds to what is there.
  await rm(log, { force: true });
  const load = [`-c${connections}`, `-m${streams}`, `-D${seconds}`, '--warm-up-time=0', `--log-file=${log}`];
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const body = bodyFile === undefined ? [] : ['-d', bodyFile];
  const { stdout } = await promisify(execFile)(program, [...load, ...fields, ...body, url]);
  const [, succeeded, failed] = /requests: .* (\d+) succeeded, (\d+) failed/.exec(stdout) ?? [];
  const requests = Number(succeeded);
  if (!(requests > 0)) throw new Error(`h2load got no answer from ${url}:\n${stdout}`);
  const times = Float64Array.from((await readFile(log, 'latin1')).trim().split('\n'), timeUs).toSorted();
  return { requests, seconds, p50Us: share(times, 0.5), p99Us: share(times, 0.99), failed: Number(failed) };
}

/** A line is start, status and time, all in microseconds. */
function timeUs(line: string): number {
  return Number(line.split('\t')[2]);
}

function share(sorted: Float64Array, part: number): number {
  return sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
}
