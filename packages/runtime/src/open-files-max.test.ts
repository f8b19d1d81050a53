import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { openFilesMax } from './open-files-max.ts';

describe('openFilesMax', () => {
  it('is what ulimit says', { skip: process.platform !== 'linux' && 'only Linux tells' }, () => {
    const script = `process.stdout.write(String((await import(${JSON.stringify(import.meta.resolve('./open-files-max.ts'))})).openFilesMax()))`;
    const told = execFileSync('sh', [
      '-c',
      'ulimit -n 123; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ]);
    assert.equal(String(told), '123');
  });

  it('is undefined where nobody tells, or there is no limit', (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'limits-'));
    context.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'limits');
    assert.equal(openFilesMax(path), undefined);
    writeFileSync(path, 'Max open files            unlimited            unlimited            files\n');
    assert.equal(openFilesMax(path), undefined);
  });
});
