// wrk as a function: one run, its counts and its latencies.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  /** NaN where nobody knows, as the next one. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Connection, read and write errors, timeouts, and statuses above 399. */
  readonly failed: number;
}

const upload = (bytes: number): string => `
wrk.method = 'POST'
wrk.body = string.rep('x', ${bytes})
`;

const report = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"p50Us":%d,"p99Us":%d,"failed":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

export interface WrkOptions {
  program: string;
  /** For its script. */
  directory: string;
  url: string;
  seconds: number;
  connections: number;
  /** Bytes of a POST's body; 0 = GET. */
  uploadBytes: number;
  /** Besides those that wrk sends by itself. */
  headers?: Readonly<Record<string, string>>;
}

/** Runs wrk with one thread on kept-alive connections. Throws when not a single request succeeded. */
export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const { program, directory, url, seconds, connections, uploadBytes, headers = {} } = options;
  const script = join(directory, 'report.lua');
  await writeFile(script, (uploadBytes > 0 ? upload(uploadBytes) : '') + report);
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, ...lines, url];
  const { stdout } = await promisify(execFile)(program, args);
  const result: WrkResult = JSON.parse(stdout.slice(stdout.lastIndexOf('{')));
  if (result.requests === 0) throw new Error(`wrk got no answer from ${url}:\n${stdout}`);
  return result;
}
