// What the numbers were measured on: a figure without it cannot be compared with anything.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of an installed program, looked for where daemons live too; `undefined` when there is none. */
export function findProgram(command: string): string | undefined {
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  return directories.map((directory) => join(directory, command)).find(isExecutable);
}

/** The first version number in what the program says about itself. */
export function versionOf(program: string, flag: string): string {
  const { stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
  return /\d+\.\d+[\w.+-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}

/** One line: processor, cores, memory, kernel, Node. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memoryGib = (totalmem() / 2 ** 30).toFixed(1);
  const cores = `${availableParallelism()} of ${cpus().length} cores`;
  return [
    cpu?.model ?? 'unknown cpu',
    cores,
    `${memoryGib} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
  ].join(', ');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
