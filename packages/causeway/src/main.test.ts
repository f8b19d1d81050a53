import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { version } from './version.ts';

const executable = fileURLToPath(new URL('../bin/causeway.cjs', import.meta.url));

function causeway(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [executable, ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

describe('causeway', () => {
  it('prints its version', () => {
    const expected = { code: 0, stdout: `causeway ${version} (Node ${process.versions.node})\n`, stderr: '' };
    assert.deepEqual(causeway('version'), expected);
    assert.deepEqual(causeway('--version'), expected);
  });

  it('prints its commands on help', () => {
    const { code, stdout } = causeway('help');
    assert.equal(code, 0);
    for (const command of ['control-plane', 'data-plane', 'up', 'version', 'help']) {
      assert.match(stdout, new RegExp(`\\n  ${command} +[A-Z]`));
    }
    assert.deepEqual(causeway('--help'), { code, stdout, stderr: '' });
  });

  it('prints the settings of a command on help COMMAND and COMMAND --help', () => {
    const help = causeway('help', 'up');
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, /Usage: causeway up \[settings\]\n[^]*--demo-addrs HOST:PORT/);
    assert.deepEqual(causeway('up', '--help'), help);
  });

  it('refuses no command and an unknown one with 78', () => {
    assert.deepEqual(causeway('dataplane'), {
      code: 78,
      stdout: '',
      stderr: 'causeway: unknown command "dataplane" (did you mean data-plane?)\n',
    });
    assert.match(causeway('constructor').stderr, /unknown command "constructor" \(there are control-plane, /);
    const none = causeway();
    assert.deepEqual([none.code, none.stdout], [78, '']);
    assert.match(none.stderr, /Usage: causeway COMMAND/);
  });
});
