// Schemas, reference pages and protobuf code are what `npm run generate` writes today.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generatedFiles } from '../../scripts/generated-files.ts';

const repository = join(import.meta.dirname, '../..');

describe('generated files', () => {
  const files = generatedFiles();
  for (const [path, text] of files) {
    test(`${path} is up to date`, () => {
      const file = join(repository, path);
      assert.ok(existsSync(file), 'missing: npm run generate');
      assert.ok(readFileSync(file, 'utf8') === text, 'differs: npm run generate');
    });
  }

  test('nothing is left over from kinds and messages that are gone', () => {
    const patterns = ['deploy/schema/*', 'docs/reference/*', 'packages/proto/src/gen/**/*.ts'];
    assert.deepEqual(
      globSync(patterns, { cwd: repository }).filter((path) => !files.has(path)),
      [],
    );
  });
});
