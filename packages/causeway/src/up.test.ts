import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';

// Here `up` supervises small programs that log as the planes do; test/e2e starts it with the planes themselves.

/** Logs its words and its two listeners, and its end; `FAIL=control-plane` makes that one refuse to start. */
const fakePlane = `
  import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
  const [plane, ...words] = process.argv.slice(2);
  const note = (text) => appendFileSync(process.env.JOURNAL, text + '\\n');
  const say = (record) => process.stderr.write(JSON.stringify({ level: 'info', ...record }) + '\\n');
  const end = (code, why) => { note(plane + ' ' + why); process.exit(code); };
  note([plane, ...words].join(' '));
  if (process.env.FAIL === plane) {
    say({ level: 'fatal', msg: '127.0.0.1:7080 is in use by another process: choose another port with --admin-addr.' });
    end(1, 'failed');
  }
  process.on('SIGTERM', () => setTimeout(end, 50, 0, 'stopped'));
  process.on('SIGINT', () => end(1, 'interrupted'));
  process.on('disconnect', () => end(0, 'orphaned'));
  if (plane === 'control-plane') {
    const dataDir = words[words.indexOf('--data-dir') + 1];
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(dataDir + '/admin.token', 'a-token\\n');
  }
  const listeners = plane === 'control-plane' ? ['admin', 'stream'] : ['status', 'http'];
  for (const [index, listener] of listeners.entries()) {
    say({ msg: 'listening', listener, address: '127.0.0.1', port: (plane === 'control-plane' ? 100 : 200) + index });
  }
  say({ level: 'warn', msg: plane + ' warns' });
  if (process.env.DIE === plane) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
  setInterval(() => {}, 1000);`;

interface Up {
  readonly child: ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  /** What the planes noted, in order. */
  journal(): string[];
}

function up(context: TestContext, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Up {
  const directory = mkdtempSync(join(tmpdir(), 'up-'));
  const journal = join(directory, 'journal');
  const plane = join(directory, 'plane.mjs');
  writeFileSync(plane, fakePlane);
  writeFileSync(journal, '');
  const program = `
    import { runUp } from '${new URL('up.ts', import.meta.url).href}';
    await runUp(process.argv.slice(1), process.env, [process.execPath, ${JSON.stringify(plane)}]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', ...argv], {
    cwd: directory,
    env: { ...process.env, ...env, JOURNAL: journal },
  });
  context.after(() => child.kill('SIGKILL'));
  return {
    child,
    stdout: text(child.stdout),
    stderr: text(child.stderr),
    journal: () => readFileSync(journal, 'utf8').trimEnd().split('\n'),
  };
}

async function untilRunning({ child, stderr }: Up): Promise<void> {
  const running = Promise.withResolvers<void>();
  let seen = '';
  child.stdout?.on('data', (chunk: unknown) => {
    seen += String(chunk);
    if (seen.includes('Ctrl-C')) running.resolve();
  });
  child.once('close', () => running.reject(new Error('it ended before everything ran')));
  await running.promise.catch(async (error: Error) => assert.fail(`${error.message}: ${await stderr}`));
}

describe('causeway up', { timeout: 30_000 }, () => {
  it('starts both planes with what concerns them, and stops them in order', async (context) => {
    const words = ['--data-dir', 'state', '--admin-addr', '127.0.0.1:0', '--label', 'zone=a'];
    const running = up(context, words);
    await untilRunning(running);
    running.child.kill('SIGTERM');
    await once(running.child, 'close');
    assert.equal(running.child.exitCode, 0, await running.stderr);
    assert.deepEqual(running.journal(), [
      'control-plane --data-dir state --log-level info --admin-addr 127.0.0.1:0',
      'data-plane --data-dir state --control-plane 127.0.0.1:101 --node-id local --gateway default ' +
        '--node-token-file state/node.token --log-level info --label zone=a',
      'data-plane stopped',
      'control-plane stopped',
    ]);
    assert.match(
      await running.stdout,
      /admin API {3}http:\/\/127\.0\.0\.1:100 .*\n.*traffic {5}http:\/\/127\.0\.0\.1:201 /,
    );
    assert.match(
      await running.stderr,
      /^{"level":"warn","msg":"control-plane warns"}\n{"level":"warn".*}\n$/,
    );
  });

  it('shows all log lines of the planes when asked for', async (context) => {
    const running = up(context, ['--log-level', 'info', '--node-id', 'n1', '--node-token-file', 'f']);
    await untilRunning(running);
    running.child.kill('SIGINT');
    await once(running.child, 'close');
    assert.equal(running.child.exitCode, 0);
    assert.match(await running.stderr, /"msg":"listening","listener":"status"/);
    assert.match(running.journal()[1] ?? '', /--node-id n1 .*--node-token-file f /);
  });

  it('ends with 1 and one sentence when a plane cannot start, and starts nothing after it', async (context) => {
    const running = up(context, [], { FAIL: 'control-plane' });
    await once(running.child, 'close');
    assert.equal(running.child.exitCode, 1);
    assert.equal(
      await running.stderr,
      'causeway up: the control plane did not start (exit code 1): ' +
        '127.0.0.1:7080 is in use by another process: choose another port with --admin-addr.\n',
    );
    assert.equal(await running.stdout, '');
    assert.deepEqual(running.journal().slice(1), ['control-plane failed']);
  });

  it('stops everything and ends with 1 when a plane dies', async (context) => {
    const running = up(context, [], { DIE: 'data-plane' });
    await once(running.child, 'close');
    assert.equal(running.child.exitCode, 1);
    assert.match(
      await running.stderr,
      /causeway up: the node ended unexpectedly \(SIGKILL\): its last lines were\n/,
    );
    assert.equal(running.journal().at(-1), 'control-plane stopped');
  });

  it('lets no plane outlive it when it is killed outright', async (context) => {
    const running = up(context, []);
    await untilRunning(running);
    running.child.kill('SIGKILL');
    // The planes share its stdout, which ends when all of them have.
    await running.stdout;
    assert.deepEqual(running.journal().slice(2).toSorted(), [
      'control-plane orphaned',
      'data-plane orphaned',
    ]);
  });

  it('says which flag moves a demo upstream whose port is in use', async (context) => {
    const first = up(context, ['--demo', '--demo-addrs', '127.0.0.1:0,256.0.0.1:1']);
    await once(first.child, 'close');
    assert.equal(first.child.exitCode, 78);
    assert.match(await first.stderr, /^causeway up: --demo-addrs: "256\.0\.0\.1:1" is no HOST:PORT/);
    const taken = up(context, ['--demo', '--demo-addrs', '192.0.2.1:1']);
    await once(taken.child, 'close');
    assert.equal(taken.child.exitCode, 1);
    assert.equal(
      await taken.stderr,
      'causeway up: 192.0.2.1 is no address of this machine: choose one that is with --demo-addrs.\n',
    );
  });

  it('refuses to be told where its own control plane is', async (context) => {
    const running = up(context, ['--control-plane', '127.0.0.1:1']);
    await once(running.child, 'close');
    assert.equal(running.child.exitCode, 78);
    assert.match(await running.stderr, /unknown setting --control-plane/);
  });
});
