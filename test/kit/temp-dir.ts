// A directory of its own for every test, so that tests run side by side.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onEnd, type Owner } from './owner.ts';

/** An empty directory (mode 0700), removed with all that is in it when `owner` ends. */
export async function tempDir(owner: Owner): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'causeway-test-'));
  // Retries, because a process that was just killed may still be creating files while the tree is being removed.
  onEnd(owner, () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return path;
}
