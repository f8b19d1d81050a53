import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const program = `
  import { settingsOrExit } from '${new URL('settings-or-exit.ts', import.meta.url).href}';
  const declarations = { size: { flag: '--size', kind: 'integer', min: 1, max: 9, help: 'Size.' } };
  const argv = process.argv.slice(1);
  const values = settingsOrExit({ command: 'causeway x', summary: 'Runs x.', declarations, argv, env: process.env });
  console.log('size', values.size);`;

function run(...argv: string[]): { code: number | null; stdout: string; stderr: string } {
  const args = ['--input-type=module', '-e', program, '--', ...argv];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

describe('settingsOrExit', () => {
  it('gives the values', () => {
    assert.deepEqual(run('--size', '3'), { code: 0, stdout: 'size 3\n', stderr: '' });
  });

  it('writes help to stdout and exits with 0', () => {
    const { code, stdout, stderr } = run('--help');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Runs x\.\n\nUsage: causeway x \[settings\]\n\n {2}--size NUMBER\n/);
  });

  it('writes every problem to stderr and exits with 78', () => {
    const { code, stdout, stderr } = run('--size', '0', '--sise', '3');
    assert.deepEqual([code, stdout], [78, '']);
    assert.equal(
      stderr,
      'causeway x: unknown setting --sise (did you mean --size?)\n' +
        'causeway x: --size: "0" is below the smallest allowed, 1.\n',
    );
  });
});
