import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { LogLevel } from '@causeway/runtime/logger';

import { ChildLogs } from './child-logs.ts';

function logs(level: LogLevel = 'warn', plain = false): { logs: ChildLogs; shown: string[] } {
  const shown: string[] = [];
  return { logs: new ChildLogs({ level, plain, write: (text) => shown.push(text) }), shown };
}

const record = (level: string, msg: string): string => JSON.stringify({ level, msg });

describe('logs of a child', () => {
  it('show what is as grave as asked for, and what is no record', () => {
    const { logs: child, shown } = logs();
    child.release();
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal']) child.push(record(level, level));
    child.push('node: out of memory');
    assert.deepEqual(
      shown.map((text) => text.trimEnd()),
      [record('warn', 'warn'), record('error', 'error'), record('fatal', 'fatal'), 'node: out of memory'],
    );
  });

  it('are plain text for a person', () => {
    const { logs: child, shown } = logs('info', true);
    child.release();
    child.push('{"level":"info","time":"2026-11-23T04:10:00.123Z","msg":"hello"}');
    assert.deepEqual(shown, ['04:10:00.123 info  hello\n']);
  });

  it('hold back until release, then show all in order', () => {
    const { logs: child, shown } = logs();
    child.push(record('warn', 'one'));
    assert.deepEqual(shown, []);
    child.release();
    child.push(record('warn', 'two'));
    assert.deepEqual(shown, [`${record('warn', 'one')}\n`, `${record('warn', 'two')}\n`]);
  });

  it('hold back no more than 1000 lines', () => {
    const { logs: child, shown } = logs();
    for (let line = 0; line < 1000; line += 1) child.push(record('warn', String(line)));
    assert.equal(shown.length, 0);
    child.push(record('warn', 'too many'));
    assert.equal(shown.length, 1);
  });

  it('give the fatal message as the obituary', () => {
    const { logs: child } = logs();
    child.push(record('fatal', 'Port in use.'));
    child.push(record('fatal', 'something after it'));
    assert.equal(child.obituary(), 'Port in use.');
  });

  it('give the last ten lines, cut to 2000 characters, when there was no fatal one', () => {
    const { logs: child } = logs();
    for (let line = 0; line < 11; line += 1) child.push(`line ${line}`);
    const lines = child.obituary().split('\n');
    assert.equal(lines.length, 11);
    assert.deepEqual([lines[0], lines[1], lines[10]], ['its last lines were', '    line 1', '    line 10']);
    child.push('x'.repeat(3000));
    assert.equal(child.obituary().split('\n').at(-1), `    ${'x'.repeat(2000)}`);
  });
});
