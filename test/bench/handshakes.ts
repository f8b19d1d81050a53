// h2load as a function, for what wrk cannot do: a new connection for each request, none of which resumes a session.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from './machine.ts';
import type { WrkResult } from './wrk.ts';

export interface HandshakesOptions {
  readonly url: string;
  /** Connections that are begun in a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Opens connections at a steady rate, one request on each. No latencies: h2load counts them from the handshake on, and tells no percentiles. Throws when h2load is missing, or not a single request succeeded. */
export async function runHandshakes({ url, rate, seconds }: HandshakesOptions): Promise<WrkResult> {
  const program = findProgram('h2load');
  if (program === undefined) throw new Error('this bench needs h2load: run scripts/setup-test-deps --bench');
  const total = rate * seconds;
  const args = ['--h1', `-n${total}`, `-c${total}`, `-r${rate}`, url];
  const { stdout } = await promisify(execFile)(program, args);
  const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(stdout)?.[1] ?? 0);
  const requests = count('succeeded');
  if (requests === 0) throw new Error(`h2load got no answer from ${url}:\n${stdout}`);
  const took = Number(/finished in ([\d.]+)s/.exec(stdout)?.[1] ?? seconds);
  return { requests, seconds: took, p50Us: NaN, p99Us: NaN, failed: total - requests };
}
