/** State on disk: a private directory, held by one process at a time, whose files are replaced whole or not at all. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { GatewayError, messageOf } from './errors.ts';

/** Nobody but the owner: tokens, keys and the configuration with its secrets live here. */
const privateDirectoryMode = 0o700;
const privateFileMode = 0o600;

/** Makes `path` with its parents, mode 0700; a directory that is there already is narrowed to that mode. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: privateDirectoryMode });
  // mkdir leaves an existing directory as it is, and umask may have taken from a new one.
  chmodSync(path, privateDirectoryMode);
}

export interface DirectoryLock {
  /** Lets another process in. The end of this process does the same, however it ends. */
  release(): void;
}

/**
 * Takes `directory`, which must exist, for this process.
 *
 * Node has no flock(2), and a lock that is a mere file outlives `kill -9`. SQLite holds an exclusive transaction by an
 * fcntl(2) lock, which the kernel drops with the process, so an empty database serves as the lock; nothing is ever
 * written to it. Known limit: on network file systems the lock is as good as their fcntl.
 *
 * @throws GatewayError `directory_in_use` at once, without waiting, when another process (or this one) holds it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const holderFile = join(directory, 'lock.pid');
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    // Without a journal there is no second file to leave behind.
    lock.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new GatewayError({
      code: 'directory_in_use',
      message: isBusy(error)
        ? `${resolve(directory)} is in use by another process${holder(holderFile)}: stop it, or choose another --data-dir.`
        : `${resolve(directory)} cannot be locked: ${messageOf(error)}.`,
      httpStatus: 503,
      grpcStatus: 14,
      cause: error,
    });
  }
  writeFileSync(holderFile, `${process.pid}\n`, { mode: privateFileMode });
  return { release: () => lock.close() };
}

/**
 * Replaces `path` by `content` so that a reader, and a start after power loss, sees the old file or the new one whole.
 * When it resolves the new content is on disk. The temporary file is beside it, and is removed after a failure.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  mode: number = privateFileMode,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${(sequence += 1)}.tmp`);
  try {
    // Not `w`: an old temporary file, or a link that somebody planted, must not be written through.
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Two writers in one process need two temporary files. */
let sequence = 0;

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
}

/** The process id, as a courtesy: the lock decides, and this file may be gone or old. */
function holder(holderFile: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(holderFile, 'utf8'), 10)})`;
  } catch {
    return '';
  }
}

/** A rename is on disk only once its directory is (fsync(2)). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
