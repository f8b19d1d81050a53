import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Child, startChild } from './child.ts';
import { OwnScope, type Owner } from './owner.ts';
import { tempDir } from './temp-dir.ts';

function startScript(owner: Owner, script: string): Child {
  return startChild(owner, { name: 'script', command: process.execPath, args: ['-e', script] });
}

const listen = `console.error(JSON.stringify({ level: 'info', msg: 'listening', port: 1 }));`;
const stayUntilSigterm = `const stay = setInterval(() => {}, 1000); process.on('SIGTERM', () => clearInterval(stay));`;

test('a log line is found whether it came before or comes after the wait', async (t) => {
  const child = startScript(t, stayUntilSigterm + listen);
  const line = await child.waitForLog('listening', ({ msg }) => msg === 'listening');
  assert.equal(line['port'], 1);
  assert.equal(await child.waitForLog('listening', ({ msg }) => msg === 'listening'), line);
  await child.stop();
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});

test('waiting for a log line ends when the process does, and shows its last lines', async (t) => {
  const child = startScript(t, `console.error('port 7080 is in use'); process.exitCode = 78;`);
  await assert.rejects(
    child.waitForLog('listening', () => false),
    /port 7080 is in use/,
  );
  assert.deepEqual(await child.expectEnd(), { code: 78, signal: null });
});

test('a process that ended unasked fails its owner', async () => {
  const scope = new OwnScope();
  const child = startScript(scope, `process.exit(3);`);
  await child.ended;
  await assert.rejects(scope.end(), /ended unasked with 3/);
});

test('a killed process fails nobody', async () => {
  const scope = new OwnScope();
  const child = startScript(scope, stayUntilSigterm + listen);
  await child.kill();
  assert.deepEqual(await child.ended, { code: null, signal: 'SIGKILL' });
  await scope.end();
});

test('a process still running is killed when its owner ends', async () => {
  const scope = new OwnScope();
  const child = startScript(scope, stayUntilSigterm);
  await scope.end();
  assert.equal(child.running, false);
});

test('a logged assertion failure or fatal line fails the owner although the process lives on', async () => {
  for (const line of [
    `{ level: 'error', msg: 'request failed', err: { type: 'AssertionError' } }`,
    `{ level: 'error', msg: 'uncaughtException' }`,
    `{ level: 'fatal', msg: 'cannot go on' }`,
  ]) {
    const scope = new OwnScope();
    const child = startScript(scope, `${stayUntilSigterm} console.error(JSON.stringify(${line}));`);
    await child.waitForLog('the fault', () => true);
    await assert.rejects(scope.end(), /logged 1 faults/);
  }
});

test('a fatal line is no fault of a process that is meant to refuse', async (t) => {
  const fatal = `console.error(JSON.stringify({ level: 'fatal', msg: 'start failed: port in use' }));`;
  const child = startScript(t, `${fatal} process.exitCode = 1;`);
  assert.deepEqual(await child.expectEnd(), { code: 1, signal: null });
});

test('an exit code other than 0 after SIGTERM is an error', async (t) => {
  const child = startScript(t, `setInterval(() => {}, 1000); ${listen}`);
  await child.waitForLog('listening', () => true);
  await assert.rejects(child.stop(), /ended with SIGTERM after SIGTERM instead of exit code 0/);
});

test('stdout goes to a file where one is named', async (t) => {
  const stdoutFile = join(await tempDir(t), 'out');
  const args = ['-e', `console.log('one'); console.error('two')`];
  const child = startChild(t, { name: 'script', command: process.execPath, args, stdoutFile });
  await child.expectEnd();
  assert.equal(readFileSync(stdoutFile, 'utf8'), 'one\n');
  assert.deepEqual([child.output, child.logs.map(({ msg }) => msg)], [[], ['two']]);
});

test('settings of the outer environment do not reach the process', async (t) => {
  process.env['CAUSEWAY_ADMIN_ADDR'] = '127.0.0.1:1';
  t.after(() => delete process.env['CAUSEWAY_ADMIN_ADDR']);
  const child = startScript(t, `console.log(process.env.CAUSEWAY_ADMIN_ADDR ?? 'unset');`);
  await child.expectEnd();
  assert.deepEqual(child.output, ['unset']);
});

test('a command that does not exist fails its owner with the reason', async () => {
  const scope = new OwnScope();
  const child = startChild(scope, { name: 'nothing', command: '/nonexistent/command', args: [] });
  await child.expectEnd();
  await assert.rejects(scope.end(), /ENOENT/);
});
