/** How many files and sockets the process may have open. */

import { readFileSync } from 'node:fs';

/** The soft limit (`ulimit -n`), which may change while the process runs; undefined where the system does not tell. */
export function openFilesMax(limitsPath = '/proc/self/limits'): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(limitsPath, 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // Only Linux has the file; elsewhere the limits of the configuration are all there is.
    return undefined;
  }
}
