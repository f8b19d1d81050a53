import { Readable } from 'node:stream';
import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** An `Io` without a process: what is written is kept. */
export interface TestIo extends Io {
  readonly stdout: string[];
  readonly stderr: string[];
}

export function testIo(parts: Partial<Io> = {}): TestIo {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    stdout,
    stderr,
    out: (text) => void stdout.push(text),
    err: (text) => void stderr.push(text),
    stdin: Readable.from([]),
    env: {},
    directory: '/',
    colours: false,
    canAsk: false,
    nowMs: () => Date.parse('2026-11-23T04:10:00Z'),
    exitCode: exitCodes.ok,
    ...parts,
  };
}
