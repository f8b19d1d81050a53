import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, statSync, chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { lockDirectory, makePrivateDirectory, writeFileAtomic } from './data-dir.ts';
import { GatewayError } from './errors.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'data-dir-'));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

async function holderProcess(directory: string): Promise<ChildProcess> {
  const program = `
    import { lockDirectory } from '${new URL('data-dir.ts', import.meta.url).href}';
    globalThis.lock = lockDirectory(process.argv[1]);
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, directory]);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  await once(child.stdout, 'data');
  assert.equal(stderr, '', 'the lock must come without a warning');
  return child;
}

describe('makePrivateDirectory', () => {
  it('makes nested directories, and narrows one that is there', () => {
    const path = join(scratch(), 'a', 'b');
    makePrivateDirectory(path);
    assert.equal(modeOf(path), 0o700);
    const wide = join(scratch(), 'wide');
    mkdirSync(wide);
    chmodSync(wide, 0o755);
    makePrivateDirectory(wide);
    assert.equal(modeOf(wide), 0o700);
  });
});

describe('lockDirectory', () => {
  it('refuses a second process at once with one sentence, and lets it in after kill -9 of the first', async () => {
    const directory = scratch();
    const child = await holderProcess(directory);
    const beganMs = performance.now();
    assert.throws(
      () => lockDirectory(directory),
      (error) =>
        error instanceof GatewayError &&
        error.code === 'directory_in_use' &&
        error.message ===
          `${directory} is in use by another process (process ${child.pid}): stop it, or choose another --data-dir.`,
    );
    assert.ok(performance.now() - beganMs < 15_000);
    child.kill('SIGKILL');
    await once(child, 'close');
    lockDirectory(directory).release();
  });

  it('refuses a second lock in the same process, and gives it after release', () => {
    const directory = scratch();
    const lock = lockDirectory(directory);
    assert.throws(() => lockDirectory(directory), /is in use/);
    lock.release();
    lockDirectory(directory).release();
  });

  it('holds two directories apart', () => {
    const locks = [lockDirectory(scratch()), lockDirectory(scratch())];
    for (const lock of locks) lock.release();
  });
});

describe('writeFileAtomic', () => {
  it('replaces the whole content with the mode asked for and leaves nothing else behind', async () => {
    const directory = scratch();
    const path = join(directory, 'state.json');
    await writeFileAtomic(path, 'a long first content', 0o644);
    await writeFileAtomic(path, Buffer.from('second'));
    assert.equal(readFileSync(path, 'utf8'), 'second');
    assert.equal(modeOf(path), 0o600);
    assert.deepEqual(readdirSync(directory), ['state.json']);
  });

  it('keeps the old file and removes the temporary one when it cannot finish', async () => {
    const directory = scratch();
    const path = join(directory, 'occupied');
    mkdirSync(join(path, 'child'), { recursive: true });
    await assert.rejects(writeFileAtomic(path, 'x'));
    assert.deepEqual(readdirSync(directory), ['occupied']);
  });

  it('lets writers run side by side, the last rename winning whole', async () => {
    const path = join(scratch(), 'state');
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000));
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    assert.ok(contents.includes(readFileSync(path, 'utf8')));
  });
});
