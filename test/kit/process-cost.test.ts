import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { startChild } from './child.ts';
import { cpuMicroseconds, openDescriptors, residentBytes } from './process-cost.ts';

/** Takes CPU and memory, says so, and ends when its parent does: the pipe to its stdin closes. */
const child = `
const held = Buffer.alloc(100 << 20, 1);
while (process.cpuUsage().user < 300_000);
console.error('done');
process.stdin.resume().on('end', () => held.fill(2));
`;
const parent = `
const { spawn } = require('node:child_process');
spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: ['pipe', 'ignore', 2] });
`;

test('the cost of a process includes what its children use', async (t) => {
  const family = startChild(t, { name: 'family', command: process.execPath, args: ['-e', parent] });
  await family.waitForLog('done', ({ msg }) => msg === 'done');
  const microseconds = cpuMicroseconds(family.pid);
  assert.ok(microseconds >= 250_000, `${microseconds} us`);
  assert.ok(residentBytes(family.pid) > 100 << 20);
});

test('a process that is gone costs nothing more', () => {
  assert.equal(cpuMicroseconds(2 ** 22), 0);
});

test('an open file is a descriptor until it is closed', () => {
  const before = openDescriptors(process.pid);
  const file = openSync('/dev/null', 'r');
  assert.equal(openDescriptors(process.pid), before + 1);
  closeSync(file);
  assert.equal(openDescriptors(process.pid), before);
});
