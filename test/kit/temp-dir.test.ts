import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OwnScope } from './owner.ts';
import { tempDir } from './temp-dir.ts';

test('a directory is private, and gone with its content when its owner ends', async () => {
  const scope = new OwnScope();
  const path = await tempDir(scope);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  writeFileSync(join(path, 'file'), 'x');
  await scope.end();
  assert.equal(existsSync(path), false);
});
