import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseListeningLine } from '@causeway/runtime/listening-line';

import { ask, until } from './testing/http-client.ts';

const script = `import { runDataPlane } from ${JSON.stringify(join(import.meta.dirname, 'main.ts'))};
await runDataPlane(process.argv.slice(1), {});`;

interface Run {
  readonly process: ChildProcess;
  readonly exit: Promise<unknown>;
  stderr(): string;
}

/** Runs a node as a process of its own. */
function run(context: TestContext, ...argv: string[]): Run {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, '--', ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  context.after(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return { process: child, exit: once(child, 'close').then(([code]) => code), stderr: () => stderr };
}

function tempDir(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'causeway-main-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('data-plane process', () => {
  it('exits with 78 when a setting is wrong, and says which', async (context) => {
    const unknown = run(context, '--gatway', 'x');
    assert.equal(await unknown.exit, 78);
    assert.match(unknown.stderr(), /--gatway.*did you mean --gateway/);
    const badId = run(context, '--node-id', '../x');
    assert.equal(await badId.exit, 78);
    assert.match(badId.stderr(), /^causeway data-plane: --node-id: "\.\.\/x" is no node id/);
  });

  it('waits for its token, not ready, lets no second node of its id in, and stops when asked', async (context) => {
    const flags = ['--data-dir', tempDir(context), '--node-id', 'n', '--status-addr', '127.0.0.1:0'];
    const node = run(context, ...flags);
    const statusPort = () =>
      node
        .stderr()
        .split('\n')
        .map(parseListeningLine)
        .find((line) => line?.listener === 'status')?.port;
    await until('it waits for the token', () => node.stderr().includes('waiting for the node token'));
    const ready = await ask({ port: statusPort() ?? 0, path: '/readyz' });
    assert.deepEqual(
      [ready.status, ready.body.split('\n')[0]],
      [503, '[-]table failed: no configuration yet'],
    );
    const second = run(context, ...flags);
    assert.equal(await second.exit, 1);
    assert.match(second.stderr(), /is in use by another process/);
    node.process.kill('SIGTERM');
    assert.equal(await node.exit, 0);
  });
});
