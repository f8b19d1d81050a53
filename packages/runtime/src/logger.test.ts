import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

import { logListening, parseListeningLine } from './listening-line.ts';
import { formatLogLine, parseRecord } from './log-line.ts';
import { createLogger, type Logger, type LogLevel } from './logger.ts';

function captured(level: LogLevel = 'info'): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { logger: createLogger({ level, write: (line) => lines.push(line) }), lines };
}

describe('logger', () => {
  it('writes one JSON line with the level as a word and an ISO time', () => {
    const { logger, lines } = captured();
    logger.child({ node: 'n1' }).warn({ revision: 7 }, 'applied');
    const { time, ...rest } = parseRecord(lines[0] ?? '') ?? {};
    assert.deepEqual(rest, { level: 'warn', node: 'n1', revision: 7, msg: 'applied' });
    assert.ok(typeof time === 'string' && new Date(time).toISOString() === time);
    assert.equal(lines[0]?.endsWith('}\n'), true);
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = captured('warn');
    logger.info('quiet');
    logger.error('loud');
    assert.equal(lines.length, 1);
  });

  it('writes to stderr, never to stdout, and loses nothing when the process ends at once', () => {
    const program = `
      import { createLogger } from '${new URL('logger.ts', import.meta.url).href}';
      const logger = createLogger({ level: 'info', fields: { plane: 'x' } });
      for (let i = 0; i < 1000; i += 1) logger.info({ i }, 'line');
      process.exit(3);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [3, '']);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 1000);
    assert.match(lines[999] ?? '', /"plane":"x","i":999,"msg":"line"}$/);
  });
});

describe('log line on a terminal', () => {
  it('shows time, level, message and fields', () => {
    const line = '{"level":"warn","time":"2026-11-23T04:10:00.123Z","node":"n1","n":[1],"msg":"late"}\n';
    assert.equal(formatLogLine(line), '04:10:00.123 warn  late node=n1 n=[1]\n');
  });

  it('puts the stack of an error below', () => {
    const line =
      '{"level":"error","time":"2026-11-23T04:10:00.123Z","err":{"stack":"Error: x\\n    at y"},"msg":"bad"}\n';
    assert.equal(formatLogLine(line), '04:10:00.123 error bad\n    Error: x\n        at y\n');
  });

  it('leaves what is no record as it is', () => {
    for (const line of ['plain\n', '{broken\n', '[1]\n']) assert.equal(formatLogLine(line), line);
  });
});

describe('listening line', () => {
  it('is written and read back', () => {
    const { logger, lines } = captured();
    logListening(logger, 'admin', { address: '::1', port: 43211 });
    assert.deepEqual(parseListeningLine(lines[0] ?? ''), { listener: 'admin', address: '::1', port: 43211 });
  });

  it('is told from every other line', () => {
    for (const line of [
      'listening',
      '{"msg":"listening"}',
      '{"msg":"other","listener":"a","address":"b","port":1}',
    ]) {
      assert.equal(parseListeningLine(line), undefined);
    }
  });
});
