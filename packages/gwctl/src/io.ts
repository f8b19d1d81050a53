import type { Readable } from 'node:stream';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** Everything that a command shares with the process it runs in. */
export interface Io {
  /** One or more lines of data, without the last line feed. */
  out(text: string): void;
  /** The same for warnings, problems, errors and hints. */
  err(text: string): void;
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Data goes to a terminal, so STATUS may have a colour. */
  readonly colours: boolean;
  /** Somebody is there to answer a question. */
  readonly canAsk: boolean;
  nowMs(): number;
  /** Of a command that ended without an error: `diff` that found differences. */
  exitCode: ExitCode;
}

export function processIo(env: Io['env']): Io {
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    stdin: process.stdin,
    env,
    directory: process.cwd(),
    colours: process.stdout.isTTY && !env['NO_COLOR'],
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    nowMs: () => Date.now(),
    exitCode: exitCodes.ok,
  };
}
