// h2load as a function, for what wrk cannot do: a new connection for each request, none of which resumes a session.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from './machine.ts';
import type { WrkResult } from './wrk.ts';

/** Begun in a second: a rate that every contestant keeps, so that each has the same to do. */
const rate = 400;

export interface HandshakesOptions {
  readonly url: string;
  readonly seconds: number;
}

/** Opens connections at a steady rate, one request on each. Throws when h2load is missing, or not a single request succeeded. */
export async function runHandshakes({ url, seconds }: HandshakesOptions): Promise<WrkResult> {
  const program = findProgram('h2load');
  if (program === undefined) throw new Error('this bench needs h2load: run scripts/setup-test-deps --bench');
  const total = rate * seconds;
  const args = ['--h1', `-n${total}`, `-c${total}`, `-r${rate}`, url];
  const { stdout } = await promisify(execFile)(program, args);
  const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(stdout)?.[1] ?? 0);
  const requests = count('succeeded');
  if (requests === 0) throw new Error(`h2load got no answer from ${url}:\n${stdout}`);
  const took = Number(/finished in ([\d.]+)s/.exec(stdout)?.[1] ?? seconds);
  return { requests, seconds: took, ...latencies(stdout), failed: total - requests };
}

const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

/** It tells no percentiles: the mean, and the most, of what a client waits until the first byte. */
function latencies(stdout: string): { p50Us: number; p99Us: number } {
  const row = /time to 1st byte:(.*)/.exec(stdout)?.[1] ?? '';
  const values = Array.from(
    row.matchAll(/([\d.]+)(us|ms|s)\b/g),
    ([, value, unit]) => Number(value) * (unitUs[unit!] ?? NaN),
  );
  return { p50Us: values[2] ?? NaN, p99Us: values[1] ?? NaN };
}
