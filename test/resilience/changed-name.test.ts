// D16, D18: a host name whose addresses change, as a name server tells it that nobody else asks.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../kit/temp-dir.ts';
import type { NameScenarioResult } from './name-scenario.ts';

const run = promisify(execFile);
const scenario = join(import.meta.dirname, 'name-scenario.ts');
const timeoutMs = 90_000;

/** Namespaces of the test's own, in which /etc/resolv.conf is another. */
const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
const unshare = ['unshare', '--net', '--mount', ...asRoot];
const mayUnshare =
  spawnSync(unshare[0]!, [...unshare.slice(1), 'mount', '--bind', '/etc/resolv.conf', '/etc/resolv.conf'])
    .status === 0;
const skip = mayUnshare ? false : 'this user may not make namespaces (unshare --net --mount)';

describe('a host name of an endpoint', { skip }, () => {
  test('may get other addresses under load', async (t) => {
    const resolvConf = join(await tempDir(t), 'resolv.conf');
    await writeFile(resolvConf, 'nameserver 127.0.0.1\n');
    const prepare = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf';
    const command = `${prepare} && shift && exec "$@"`;
    const inside = ['sh', '-c', command, 'sh', resolvConf, process.execPath, scenario];
    const [program, ...args] = [...unshare, ...inside];
    const { stdout } = await run(program!, args, { timeout: timeoutMs });
    const result = JSON.parse(stdout) as NameScenarioResult;
    t.diagnostic(JSON.stringify(result));
    assert.deepEqual(
      [result.oneRefuses, result.oneIsGone],
      [
        { healthy: 1, unhealthy: 1 },
        { healthy: 1, unhealthy: 0 },
      ],
    );
    assert.ok(result.ok > 200, String(result.ok));
    // Of the address that refuses, until its first check: the first one decides.
    assert.deepEqual(result.reasons, result.failed === 0 ? {} : { 'status 502': result.failed });
    assert.ok(result.failed < result.ok / 10, `${result.failed} of ${result.ok}`);
  });
});
