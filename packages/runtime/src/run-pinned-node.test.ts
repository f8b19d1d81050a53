import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('run-pinned-node.cjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'run-pinned-'));

/** Makes the first process take itself for an old Node; the one that it starts is what it is. */
const oldNode = join(directory, 'old-node.cjs');
writeFileSync(
  oldNode,
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.2' } });`,
);

/** An executable whose program answers every signal with its own exit code. */
const executable = join(directory, 'executable.cjs');
writeFileSync(
  executable,
  `require(${JSON.stringify(launcher)}).runPinnedNode(__filename, async () => ({
    main(argv, env) {
      if (argv[0] === 'exit') process.exit(Number(argv[1]));
      process.on('SIGTERM', () => process.exit(40));
      process.on('SIGINT', () => process.exit(41));
      process.on('disconnect', () => process.exit(42));
      setInterval(() => {}, 1000);
      console.log(JSON.stringify({ argv, pid: process.pid, node: process.versions.node, env: env.MARK }));
    },
  }));`,
);

interface Running {
  readonly wrapper: ChildProcess;
  readonly hello: { argv: string[]; pid: number; node: string; env: string };
}

async function start(...argv: string[]): Promise<Running> {
  const env = { ...process.env, MARK: 'mark' };
  const wrapper = spawn(process.execPath, ['--require', oldNode, executable, ...argv], { env });
  const [line]: unknown[] = await once(wrapper.stdout, 'data');
  return { wrapper, hello: JSON.parse(String(line)) };
}

async function endOf(wrapper: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  await once(wrapper, 'close');
  return [wrapper.exitCode, wrapper.signalCode];
}

describe('an executable started by an old Node', () => {
  it('runs on the pinned one, with its arguments, environment and standard streams', async () => {
    const { wrapper, hello } = await start('up', '--demo', 'a b');
    assert.deepEqual(hello.argv, ['up', '--demo', 'a b']);
    assert.equal(hello.env, 'mark');
    assert.equal(hello.node, process.versions.node);
    assert.notEqual(hello.pid, wrapper.pid);
    wrapper.kill('SIGTERM');
    await endOf(wrapper);
  });

  it('ends with the exit code of the program', async () => {
    const wrapper = spawn(process.execPath, ['--require', oldNode, executable, 'exit', '78']);
    assert.deepEqual(await endOf(wrapper), [78, null]);
  });

  it('forwards SIGTERM and SIGINT and waits for the program to end', async () => {
    const term = await start();
    term.wrapper.kill('SIGTERM');
    assert.deepEqual(await endOf(term.wrapper), [40, null]);
    const interrupt = await start();
    interrupt.wrapper.kill('SIGINT');
    assert.deepEqual(await endOf(interrupt.wrapper), [41, null]);
  });

  it('dies of the signal that the program died of', async () => {
    const { wrapper, hello } = await start();
    process.kill(hello.pid, 'SIGKILL');
    assert.deepEqual(await endOf(wrapper), [null, 'SIGKILL']);
  });

  it('lets the program know when it is killed outright', { timeout: 10_000 }, async () => {
    const { wrapper } = await start();
    wrapper.kill('SIGKILL');
    // The program holds the streams, so that they close only when it has ended too.
    assert.deepEqual(await endOf(wrapper), [null, 'SIGKILL']);
  });
});

describe('an executable started by a Node that is new enough', () => {
  it('runs in the same process', async () => {
    const child = spawn(process.execPath, [executable], { env: { ...process.env, MARK: 'x' } });
    const [line]: unknown[] = await once(child.stdout, 'data');
    const hello: Running['hello'] = JSON.parse(String(line));
    assert.equal(hello.pid, child.pid);
    child.kill('SIGTERM');
    assert.deepEqual(await endOf(child), [40, null]);
  });
});
