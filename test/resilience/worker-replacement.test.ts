// D27: workers that are replaced, or die, under new connections: what the kernel does with those that wait to be accepted.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { scaled } from './scale.ts';
import type { ScenarioResult } from './worker-scenario.ts';

const run = promisify(execFile);
const scenario = join(import.meta.dirname, 'worker-scenario.ts');
const replacements = scaled(4, 20);
const deaths = scaled(3, 10);
const timeoutMs = scaled(60_000, 300_000);

/** A network namespace of the test's own; root makes one, others do where the system lets them. */
const unshare = ['unshare', '--net', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
const mayUnshare = spawnSync(unshare[0]!, [...unshare.slice(1), 'true']).status === 0;
const skip = mayUnshare ? false : 'this user may not make network namespaces (unshare --net)';

/** Runs the scenario where `net.ipv4.tcp_migrate_req` is `migrate`. */
async function runIn(
  t: TestContext,
  migrate: 0 | 1,
  what: 'replace' | 'kill',
  times: number,
): Promise<ScenarioResult> {
  const prepare = `ip link set lo up && echo ${migrate} > /proc/sys/net/ipv4/tcp_migrate_req`;
  const command = `${prepare} && exec "$0" "$@"`;
  const [program, ...args] = [
    ...unshare,
    'sh',
    '-c',
    command,
    process.execPath,
    scenario,
    what,
    String(times),
  ];
  const { stdout } = await run(program, args, { timeout: timeoutMs });
  const result = JSON.parse(stdout) as ScenarioResult;
  const { ok, failures } = result;
  t.diagnostic(
    `tcp_migrate_req=${migrate}, ${times} x ${what}: ${ok} connections answered, failed: ${JSON.stringify(failures)}`,
  );
  return result;
}

describe('workers under 500 new connections a second', { skip }, () => {
  test('are replaced without a failure where the kernel migrates what waits', async (t) => {
    const { ok, failures, kept } = await runIn(t, 1, 'replace', replacements);
    assert.ok(ok > 1000, String(ok));
    assert.deepEqual([failures, kept.failed, kept.reasons], [{}, 0, {}]);
  });

  test('are replaced with few failures where it does not', async (t) => {
    const { ok, failures, kept } = await runIn(t, 0, 'replace', replacements);
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    assert.ok(failed < ok / 100, `${failed} of ${ok}`);
    assert.deepEqual([kept.failed, kept.reasons], [0, {}]);
  });

  test('that die take along what they had under way, and little of what waits', async (t) => {
    const { ok, unseen } = await runIn(t, 1, 'kill', deaths);
    assert.ok(ok > 1000, String(ok));
    // Before each one some 75 waited. What it had accepted in its last turn cannot be told from them.
    assert.ok(unseen < 40 * deaths, `${unseen} requests never reached the upstream`);
  });
});
