/**
 * `npm run lock`: resolves package-lock.json anew in an empty directory. Where node_modules is present npm drops the
 * optional packages of every other platform from the lock file, and `npm ci` then fails on a clean machine.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'causeway-lock-'));
try {
  const manifests = globSync(['package.json', '.npmrc', 'packages/*/package.json', 'test/package.json'], {
    cwd: repository,
  });
  for (const file of manifests) cpSync(join(repository, file), join(directory, file));
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
    cwd: directory,
    stdio: 'inherit',
  });
  cpSync(join(directory, 'package-lock.json'), join(repository, 'package-lock.json'));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
