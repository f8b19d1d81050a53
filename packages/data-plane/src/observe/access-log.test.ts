import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { AccessLogSettings } from '../table/gateway-settings.ts';
import { exchangeRecord } from '../testing/exchange-records.ts';
import { AccessLog } from './access-log.ts';
import { FileOutput } from './file-output.ts';
import { DropReport, reportIntervalMs } from './drop-report.ts';
import type { LogOutput } from './log-output.ts';

const defaults: AccessLogSettings = {
  format: 'json',
  path: undefined,
  samplePercent: 100,
  redactHeaders: [],
  redactQuery: [],
};

function setting(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-access-log-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const logged: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => logged.push(line) });
  let taken = '';
  const stdout: LogOutput = {
    write: (bytes, done) => {
      taken += Buffer.from(bytes).toString();
      done(undefined, bytes.byteLength);
    },
    reopen: async () => {},
    close: () => {},
  };
  const outputTo = (path: string | undefined): LogOutput =>
    path === undefined ? stdout : new FileOutput(path, systemClock);
  const log = new AccessLog({ clock: systemClock, logger, outputTo, onLost: () => {} });
  const use = async (more: Partial<AccessLogSettings>, required = true): Promise<void> =>
    (await log.prepare({ ...defaults, ...more }, { required })).commit();
  return { directory, logged, log, use, toStdout: () => taken };
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

describe('AccessLog', () => {
  it('writes to where and in what form its settings say, and to the next place from the next settings on', async (t) => {
    const { directory, log, use, toStdout } = setting(t);
    const [one, two] = [join(directory, 'one.log'), join(directory, 'two.log')];
    log.add(exchangeRecord({ status: 201 }));
    await use({ path: one, format: 'common' });
    log.add(exchangeRecord({ status: 202 }));
    await use({ path: one, format: 'combined' });
    log.add(exchangeRecord({ status: 203 }));
    await use({ path: two });
    log.add(exchangeRecord({ status: 204 }));
    await use({});
    log.add(exchangeRecord({ status: 205 }));
    await log.close();
    const statuses = (text: string): (string | undefined)[] =>
      linesOf(text).map((line) => /\b20[1-5]\b(?!\d)/.exec(line)?.[0]);
    assert.deepEqual(statuses(toStdout()), ['201', '205']);
    assert.deepEqual(statuses(readFileSync(one, 'utf8')), ['202', '203']);
    assert.match(readFileSync(one, 'utf8'), /202 5\n.*203 5 "https/);
    assert.deepEqual(statuses(readFileSync(two, 'utf8')), ['204']);
    assert.equal(log.dropped, 0);
  });

  it('refuses what it cannot open when it must, and stays as it was', async (t) => {
    const { directory, log, use, toStdout } = setting(t);
    const path = join(directory, 'missing/access.log');
    await assert.rejects(use({ path }), { message: /its directory does not exist/ });
    const other = await log.prepare({ ...defaults, path: join(directory, 'other') }, { required: true });
    other.abort();
    log.add(exchangeRecord());
    await log.close();
    assert.equal(linesOf(toStdout()).length, 1);
  });

  it('goes without what it cannot open when it may, says so, and takes it up once it can', async (t) => {
    const { directory, logged, log, use } = setting(t);
    const path = join(directory, 'later/access.log');
    await use({ path }, false);
    assert.match(logged.join(''), /no access log: cannot open .*ENOENT/);
    mkdirSync(join(directory, 'later'));
    log.add(exchangeRecord());
    await log.close();
    assert.equal(linesOf(readFileSync(path, 'utf8')).length, 1);
  });

  it('samples good answers, and always writes those of the gateway and errors of upstreams', async (t) => {
    const { log, use, toStdout } = setting(t);
    await use({ samplePercent: 0 });
    log.add(exchangeRecord({ status: 404 }));
    log.add(exchangeRecord({ status: 499 }));
    log.add(exchangeRecord({ status: 500 }));
    log.add(exchangeRecord({ status: 404, reason: 'no_route' }));
    await use({ samplePercent: 25 });
    for (let count = 0; count < 4000; count++) log.add(exchangeRecord());
    await log.close();
    const lines = linesOf(toStdout());
    assert.match(lines[0]!, /"status":500/);
    assert.match(lines[1]!, /"reason":"no_route"/);
    // Seven standard deviations (27 lines) of 1000.
    assert.ok(lines.length > 800 && lines.length < 1200, String(lines.length));
  });
});

describe('DropReport', () => {
  it('tells the first loss at once and those of a minute together', () => {
    const clock = new ManualClock();
    const told: unknown[] = [];
    const logger = createLogger({
      level: 'info',
      write: (line) => {
        const { level, dropped, total, msg } = JSON.parse(line);
        told.push([level, dropped, total, msg]);
      },
    });
    const report = new DropReport(clock, logger);
    for (let count = 0; count < 5; count++) report.add(2, 'ENOSPC');
    assert.deepEqual(told.splice(0), [['warn', 2, 2, 'access log lines are lost: ENOSPC']]);
    clock.advance(reportIntervalMs);
    assert.deepEqual(told.splice(0), [['warn', 8, 10, 'access log lines are lost: ENOSPC']]);
    clock.advance(reportIntervalMs);
    assert.deepEqual(told.splice(0), []);
    report.add(1, undefined);
    report.add(1, undefined);
    report.close();
    assert.deepEqual(told, [
      ['warn', 1, 11, 'access log lines are lost: the output takes no more'],
      ['warn', 1, 12, 'access log lines are lost: the output takes no more'],
    ]);
    assert.equal(clock.pendingTimers, 0);
  });
});
