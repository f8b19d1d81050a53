import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import { AccessLog, accessLogLine } from './access-log.ts';

const record: ExchangeRecord = {
  requestId: '01kamxq5p1n9t4z7',
  method: 'GET',
  startedWallMs: Date.UTC(2026, 10, 23, 4, 10, 0, 7),
  startedMs: 0,
  revision: 42,
  isLogged: true,
  client: '192.0.2.1',
  host: 'a.test',
  path: '/a"b\\\u00e9',
  route: 'default/a',
  routePath: '/a',
  service: 'default/s',
  endpoint: 'e-1',
  status: 200,
  reason: undefined,
  durationMs: 1.23456,
  upstreamMs: undefined,
  bytesIn: 3,
  bytesOut: 5,
};

/** Takes bytes when `release` is called. */
function slowSink() {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    written,
    release: () => waiting.shift()?.(),
    write: (bytes: Uint8Array, done: (error: Error | null, count: number) => void) =>
      void waiting.push(() => {
        written.push(Buffer.from(bytes).toString());
        done(null, bytes.length);
      }),
  };
}

describe('accessLogLine', () => {
  it('is one line of JSON whatever the values hold', () => {
    const line = accessLogLine(record);
    assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1);
    assert.deepEqual(JSON.parse(line), {
      time: '2026-11-23T04:10:00.007Z',
      requestId: '01kamxq5p1n9t4z7',
      method: 'GET',
      host: 'a.test',
      path: '/a"b\\\u00e9',
      status: 200,
      reason: null,
      route: 'default/a',
      service: 'default/s',
      endpoint: 'e-1',
      client: '192.0.2.1',
      durationMs: 1.235,
      upstreamMs: null,
      bytesIn: 3,
      bytesOut: 5,
      revision: 42,
    });
  });
});

describe('AccessLog', () => {
  it('writes lines in batches, one write at a time, in order', async () => {
    const clock = new ManualClock();
    const sink = slowSink();
    const log = new AccessLog(clock, sink.write);
    for (const bytesIn of [1, 2]) log.add({ ...record, bytesIn });
    clock.advance(100);
    log.add({ ...record, bytesIn: 3 });
    clock.advance(100);
    sink.release();
    const flushed = log.flush();
    sink.release();
    await flushed;
    const batches = sink.written.map((text) =>
      text
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line).bytesIn),
    );
    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it('drops and counts lines that nobody takes', () => {
    const log = new AccessLog(new ManualClock(), slowSink().write);
    const lines = Math.ceil((9 * 1024 * 1024) / accessLogLine(record).length);
    for (let count = 0; count < lines; count += 1) log.add(record);
    assert.ok(log.dropped > 0 && log.dropped < lines / 2, String(log.dropped));
  });

  it('waits for a full pipe, goes on after a short write, and counts what cannot be written', async () => {
    const clock = new ManualClock();
    const answers = [
      { error: Object.assign(new Error('full'), { code: 'EAGAIN' }), written: 0 },
      { error: null, written: 10 },
      { error: null, written: Infinity },
      { error: Object.assign(new Error('gone'), { code: 'EPIPE' }), written: 0 },
    ];
    let text = '';
    const log = new AccessLog(clock, (bytes, done) => {
      const { error, written } = answers.shift()!;
      const count = Math.min(written, bytes.length);
      text += Buffer.from(bytes.subarray(0, count)).toString();
      done(error, count);
    });
    log.add(record);
    clock.advance(100);
    assert.equal(text, accessLogLine(record));
    log.add(record);
    await log.flush();
    assert.equal(log.dropped, 1);
  });
});
