import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';

const batchBytes = 1_000_000;
const batches = 8;

/** Writes more than any pipe takes; says so when files can be read meanwhile, and what has become of the writes. */
const script = `import { stat } from 'node:fs/promises';
import { systemClock } from '@causeway/runtime/clock';
import { stdoutOutput } from ${JSON.stringify(join(import.meta.dirname, 'stdout-output.ts'))};
const output = stdoutOutput(systemClock);
const ends = [];
const writeNext = () => output.write(Buffer.alloc(${batchBytes}, 'x'), (error, written) => {
  ends.push(error?.code ?? written);
  if (ends.length < ${batches}) writeNext();
  else { console.error(JSON.stringify(ends)); clearInterval(alive); }
});
writeNext();
const alive = setInterval(() => {}, 1000);
setTimeout(async () => { await Promise.all([0, 1, 2, 3].map(() => stat('.'))); console.error('files can be read'); }, 50);`;

function run(t: TestContext, stdout: 'pipe' | number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', stdout, 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

const wholeBatches = JSON.stringify(Array.from({ length: batches }, () => batchBytes));

describe('stdoutOutput', () => {
  it('into a socket that is not read holds nothing up, and goes on when it is (fault D26)', async (t) => {
    const child = run(t, 'pipe');
    const [said] = (await once(child.stderr!, 'data')) as [Buffer];
    assert.equal(said.toString(), 'files can be read\n');
    const [all, more] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
    assert.equal(all.length, batches * batchBytes);
    assert.equal(more, `${wholeBatches}\n`);
  });

  it('into a socket whose reader is gone says so, each time', async (t) => {
    const child = run(t, 'pipe');
    child.stdout!.destroy();
    const said = await text(child.stderr!);
    assert.deepEqual(
      JSON.parse(said.split('\n').find((line) => line.startsWith('['))!),
      Array(batches).fill('EPIPE'),
    );
  });

  it('into a pipe that is not read holds nothing up, and goes on when it is (fault D26)', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'causeway-stdout-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    t.after(() => closeSync(reader));
    const child = run(t, writer);
    closeSync(writer);
    const [said] = (await once(child.stderr!, 'data')) as [Buffer];
    assert.equal(said.toString(), 'files can be read\n');
    const ended = text(child.stderr!);
    let read = 0;
    const chunk = Buffer.alloc(65_536);
    while (read < batches * batchBytes) read += await readSome(reader, chunk);
    assert.equal(await ended, `${wholeBatches}\n`);
  });
});

async function readSome(reader: number, chunk: Buffer): Promise<number> {
  try {
    return readSync(reader, chunk);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    await new Promise((resolve) => setTimeout(resolve, 1));
    return 0;
  }
}
