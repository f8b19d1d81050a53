// The command line client as a user runs it: its own process, its two streams and its exit code.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repository } from './processes.ts';

const gwctlPath = join(repository, 'packages/gwctl/bin/gwctl.cjs');

export interface GwctlOptions {
  /** The file that GWCTL_CONFIG names; see `ControlPlane.gwctlConfig`. */
  config: string;
  /** Default: empty. */
  stdin?: string;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
}

export interface GwctlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** `null` when it was killed, which happens after 60 s. */
  readonly code: number | null;
}

/** Runs `gwctl ...args` to its end, never on a terminal. Does not throw for an exit code. */
export async function gwctl(args: readonly string[], options: GwctlOptions): Promise<GwctlResult> {
  const child = spawn(process.execPath, [gwctlPath, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      GWCTL_CONFIG: options.config,
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // A command that does not read its input ends with the pipe still full, which is no fault of the command.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const closed = Promise.withResolvers<number | null>();
  child.once('error', closed.reject);
  child.once('close', closed.resolve);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed.promise]);
  return { stdout, stderr, code };
}
