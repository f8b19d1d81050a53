import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { applyBytesMax } from '@causeway/model/rest';
import { Failure } from '../failure.ts';
import { testIo } from '../testing/test-io.ts';
import { readManifests } from './read-manifests.ts';

async function directory(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gwctl-'));
  t.after(() => rm(path, { recursive: true }));
  await mkdir(join(path, 'below'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

const files = { 'b.yaml': 'b: 1', 'a.json': '{"a": 1}', 'readme.md': '# no', 'below/c.yml': 'c: 1' };

describe('reading manifests', () => {
  const read = async (t: TestContext, filename: string[], recursive = false, stdin = '') => {
    const io = testIo({ directory: await directory(t, files), stdin: Readable.from([Buffer.from(stdin)]) });
    const documents = await readManifests(io, { filename, recursive }, 'nothing was applied');
    return documents.map(({ file, value }) => [file, value]);
  };

  it('takes the YAML and JSON of a directory by name, and of those below it when told so', async (t) => {
    assert.deepEqual(await read(t, ['.']), [
      ['a.json', { a: 1 }],
      ['b.yaml', { b: 1 }],
    ]);
    assert.deepEqual(
      (await read(t, ['.'], true)).map(([file]) => file),
      ['a.json', 'b.yaml', 'below/c.yml'],
    );
  });

  it('takes files in the order in which they are given, and stdin', async (t) => {
    assert.deepEqual(await read(t, ['b.yaml', '-', 'a.json'], false, 's: 1'), [
      ['b.yaml', { b: 1 }],
      ['stdin', { s: 1 }],
      ['a.json', { a: 1 }],
    ]);
  });

  it('refuses what is not there, has no documents, or is a URL', async (t) => {
    await assert.rejects(read(t, ['x.yaml']), /cannot read x.yaml: no such file or directory/);
    await assert.rejects(read(t, ['-']), /no documents in -/);
    await assert.rejects(read(t, ['https://example.com/a.yaml']), /takes no URL/);
    await assert.rejects(read(t, ['readme.md', 'below/x']), Failure);
  });

  it('reads no more than can be applied', async (t) => {
    const tooMuch = '#'.repeat(applyBytesMax + 1);
    await assert.rejects(read(t, ['-'], false, tooMuch), /stdin is larger than 16MiB/);
    assert.deepEqual(await read(t, ['-'], false, `${'#'.repeat(applyBytesMax - 5)}\na: 1`), [
      ['stdin', { a: 1 }],
    ]);
  });
});
