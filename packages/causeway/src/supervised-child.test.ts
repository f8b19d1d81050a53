import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { SupervisedChild } from './supervised-child.ts';

/** A child that runs `body`, with `say(record)` to log and `listening(name, port)` for the line that tells a port. */
function child(body: string, shown: string[] = []): SupervisedChild {
  const program = `
    const say = (record) => process.stderr.write(JSON.stringify(record) + '\\n');
    const listening = (listener, port) => say({ level: 'info', msg: 'listening', listener, address: '127.0.0.1', port });
    process.on('SIGTERM', () => { say({ level: 'warn', msg: 'stopping' }); process.exit(0); });
    const stay = setInterval(() => {}, 1000);
    ${body}`;
  return new SupervisedChild({
    name: 'node',
    command: [process.execPath, '--input-type=module', '-e', program],
    env: process.env,
    logs: { level: 'warn', plain: false, write: (text) => shown.push(text) },
  });
}

describe('supervised child', () => {
  it('tells where its listeners are once all are open, and shows what was held back', async () => {
    const shown: string[] = [];
    const running = child(
      `say({ level: 'warn', msg: 'early' });
       listening('admin', 1001);
       setTimeout(() => listening('stream', 1002), 20);`,
      shown,
    );
    assert.deepEqual(await running.listening(['admin', 'stream'], 10_000), {
      admin: { host: '127.0.0.1', port: 1001 },
      stream: { host: '127.0.0.1', port: 1002 },
    });
    assert.deepEqual(shown, ['{"level":"warn","msg":"early"}\n']);
    await running.stop();
    assert.equal(await running.ended, 'exit code 0');
    assert.equal(shown.at(-1), '{"level":"warn","msg":"stopping"}\n');
  });

  it('fails with the fatal message of a child that ends before it listens', async () => {
    const shown: string[] = [];
    const running = child(
      `say({ level: 'fatal', msg: 'Port in use: change --x.' }); process.exit(1);`,
      shown,
    );
    await assert.rejects(running.listening(['admin'], 10_000), {
      code: 'child_failed',
      message: 'the node did not start (exit code 1): Port in use: change --x.',
    });
    assert.deepEqual(shown, [], 'the message is told once');
  });

  it('fails with the last lines of a child that does not listen in time', async () => {
    const running = child(`process.stderr.write('thinking\\n');`);
    await assert.rejects(running.listening(['admin'], 300), {
      message: /^the node did not open admin within 300ms: its last lines were\n {4}thinking$/,
    });
    await running.stop();
  });

  it('reports the end of a child that nobody asked to stop', async () => {
    const running = child(
      `listening('admin', 1); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10);`,
    );
    await running.listening(['admin'], 10_000);
    const end = await running.ended;
    assert.equal(end, 'SIGKILL');
    assert.equal(running.stopAsked, false);
    assert.match(
      running.lost(end).message,
      /^the node ended unexpectedly \(SIGKILL\): its last lines were\n/,
    );
  });

  it('reports a program that cannot be started', async () => {
    const running = new SupervisedChild({
      name: 'node',
      command: ['/nowhere/program'],
      env: {},
      logs: { level: 'warn', plain: false, write: () => {} },
    });
    await assert.rejects(
      running.listening(['admin'], 10_000),
      /did not start \(spawn \/nowhere\/program ENOENT\)/,
    );
  });

  for (const how of ['process.exit(0)', `process.kill(process.pid, 'SIGKILL')`]) {
    it(`does not outlive us when we end by ${how}`, { timeout: 10_000 }, async () => {
      const parent = spawn(process.execPath, [
        '--input-type=module',
        '-e',
        `import { SupervisedChild } from '${new URL('supervised-child.ts', import.meta.url).href}';
         const program = "process.on('disconnect', () => process.exit()); console.log('up'); setInterval(() => {}, 1000)";
         new SupervisedChild({
           name: 'node', command: [process.execPath, '-e', program], env: process.env,
           logs: { level: 'warn', plain: false, write: () => {} },
         });
         setTimeout(() => ${how}, 300);`,
      ]);
      // The child shares its stdout, which therefore ends only when both are gone.
      parent.stdout.resume();
      await once(parent, 'close');
    });
  }
});
