import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '@causeway/runtime/clock';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { FileOutput } from './file-output.ts';

function tempDir(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-log-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const write = (output: FileOutput, text: string): Promise<{ error: string | undefined; written: number }> =>
  new Promise((resolve) =>
    output.write(Buffer.from(text), (error, written) => resolve({ error: error?.message, written })),
  );

describe('FileOutput', () => {
  it('appends to a file, which it makes for owner and group', async (t) => {
    const path = join(tempDir(t), 'access.log');
    for (const text of ['one\n', 'two\n']) {
      const output = new FileOutput(path, systemClock);
      await output.reopen();
      assert.deepEqual(await write(output, text), { error: undefined, written: 4 });
      output.close();
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
    assert.equal(statSync(path).mode & 0o777, 0o640 & ~process.umask());
  });

  it('goes on in a new file when the old one was moved away, also while it is being written to', async (t) => {
    const path = join(tempDir(t), 'access.log');
    const output = new FileOutput(path, systemClock);
    await output.reopen();
    const first = write(output, 'one\n');
    renameSync(path, `${path}.1`);
    await output.reopen();
    await first;
    await write(output, 'two\n');
    output.close();
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'one\n');
    assert.equal(readFileSync(path, 'utf8'), 'two\n');
  });

  it('says what is wrong with a path, and keeps what it has', async (t) => {
    const directory = tempDir(t);
    const path = join(directory, 'logs/access.log');
    const output = new FileOutput(path, systemClock);
    await assert.rejects(output.reopen(), {
      message: `cannot open ${path}: its directory does not exist (ENOENT)`,
    });
    await assert.rejects(new FileOutput(directory, systemClock).reopen(), /it is a directory \(EISDIR\)/);
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await assert.rejects(
      new FileOutput(pipe, systemClock).reopen(),
      /it is a pipe that nobody reads \(ENXIO\)/,
    );
    mkdirSync(join(directory, 'logs'));
    await output.reopen();
    rmSync(join(directory, 'logs'), { recursive: true });
    await assert.rejects(output.reopen());
    assert.equal((await write(output, 'x\n')).error, undefined);
    output.close();
  });

  it('that is not open is tried again from time to time', async (t) => {
    const clock = new ManualClock();
    const directory = join(tempDir(t), 'logs');
    const output = new FileOutput(join(directory, 'access.log'), clock);
    assert.match((await write(output, '1\n')).error ?? '', /ENOENT/);
    mkdirSync(directory);
    assert.match((await write(output, '2\n')).error ?? '', /ENOENT/, 'not so soon');
    clock.advance(1000);
    assert.deepEqual(await write(output, '3\n'), { error: undefined, written: 2 });
    output.close();
  });

  it('tells of a full disk (fault D26)', async () => {
    const output = new FileOutput('/dev/full', systemClock);
    await output.reopen();
    assert.match((await write(output, 'x\n')).error ?? '', /ENOSPC/);
    output.close();
  });

  it('waits for a full pipe, and writes the rest when it is read (fault D26)', async (t) => {
    const path = join(tempDir(t), 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(reader));
    const output = new FileOutput(path, systemClock);
    await output.reopen();
    const text = `${'x'.repeat(200_000)}\n`;
    const written = write(output, text);
    let read = '';
    const chunk = Buffer.alloc(65_536);
    while (read.length < text.length) {
      try {
        read += chunk.toString('utf8', 0, readSync(reader, chunk));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
      }
      await systemClock.sleep(1);
    }
    assert.deepEqual(await written, { error: undefined, written: text.length });
    assert.equal(read, text);
    output.close();
  });
});
