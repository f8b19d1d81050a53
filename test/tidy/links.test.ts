// What the documents and scripts point at is there.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

const repository = join(import.meta.dirname, '../..');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: repository });

/** Targets of relative links, without anchors. */
function linksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((link) => link[1]!);
}

/** Files that a script of a manifest runs by name. */
function filesOf(script: string): string[] {
  return [...script.matchAll(/(?:^|\s)((?:scripts|packages|test)\/[\w./-]+\.?\w*)(?=\s|$)/g)].map(
    (file) => file[1]!,
  );
}

describe('links and scripts', () => {
  test('the readers find what is there to find', () => {
    assert.deepEqual(linksOf('[a](b.md#c) [d](https://e.f) ![g](h/i.png)'), ['b.md', 'h/i.png']);
    assert.deepEqual(filesOf('node scripts/a.ts && exec node packages/b/bin/c.cjs up'), [
      'scripts/a.ts',
      'packages/b/bin/c.cjs',
    ]);
  });

  for (const document of documents) {
    test(`${document} links to files that exist`, () => {
      const text = readFileSync(join(repository, document), 'utf8');
      const missing = linksOf(text).filter((link) => !existsSync(join(repository, dirname(document), link)));
      assert.deepEqual(missing, []);
    });
  }

  test('scripts of the manifest run files that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const missing = Object.values(scripts)
      .flatMap(filesOf)
      .filter((file) => !existsSync(join(repository, file)));
    assert.deepEqual(missing, []);
  });
});
