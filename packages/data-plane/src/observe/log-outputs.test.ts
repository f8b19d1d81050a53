import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '@causeway/runtime/clock';

import { LogOutputs } from './log-outputs.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'causeway-log-outputs-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const [one, two] = [{}, {}];

describe('the outputs of a node', () => {
  it('take whole batches of several writers, one after the other', async (t) => {
    const path = join(directory(t), 'log');
    const outputs = new LogOutputs(systemClock);
    for (const writer of [one, two]) await outputs.open(writer, path);
    const batch = (letter: string): Buffer => Buffer.from(`${letter.repeat(999)}\n`.repeat(64));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => outputs.write(path, batch(index % 2 === 0 ? 'a' : 'b'))),
    );
    assert.deepEqual(
      new Set(results.map(({ written, error }) => `${written} ${error}`)),
      new Set(['64000 undefined']),
    );
    const lines = readFileSync(path, 'latin1').split('\n').slice(0, -1);
    assert.equal(lines.length, 20 * 64);
    for (const line of lines) assert.match(line, /^(a{999}|b{999})$/);
  });

  it('are closed when their last writer lets go of them or ends', async (t) => {
    const path = join(directory(t), 'log');
    const outputs = new LogOutputs(systemClock);
    for (const writer of [one, two]) await outputs.open(writer, path);
    outputs.release(one, path);
    outputs.release(one, path);
    assert.equal((await outputs.write(path, Buffer.from('x\n'))).written, 2);
    outputs.releaseAll(two);
    assert.deepEqual(await outputs.write(path, Buffer.from('y\n')), {
      written: 0,
      error: 'the output is closed',
    });
    assert.equal(readFileSync(path, 'latin1'), 'x\n');
  });

  it('go on in new files of the old names', async (t) => {
    const path = join(directory(t), 'log');
    const outputs = new LogOutputs(systemClock);
    await outputs.open(one, path);
    await outputs.write(path, Buffer.from('x\n'));
    renameSync(path, `${path}.1`);
    assert.deepEqual(await outputs.reopen(), [path]);
    await outputs.write(path, Buffer.from('y\n'));
    outputs.releaseAll(one);
    assert.deepEqual([readFileSync(`${path}.1`, 'latin1'), readFileSync(path, 'latin1')], ['x\n', 'y\n']);
  });

  it('say why they cannot be opened, and try again', async (t) => {
    const path = join(directory(t), 'missing/log');
    const outputs = new LogOutputs(systemClock);
    await assert.rejects(outputs.open(one, path), /its directory does not exist/);
    assert.match((await outputs.write(path, Buffer.from('x\n'))).error ?? '', /its directory does not exist/);
  });
});
