import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Logger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { type EndpointFailure, FailureReport, logFailures, reportIntervalMs } from './failure-report.ts';

const refused: EndpointFailure = {
  service: 'default/s',
  endpoint: '192.0.2.1:80',
  reason: 'upstream_connect_failed',
  detail: 'connect ECONNREFUSED',
};

function start() {
  const clock = new ManualClock();
  const lines: [number, string][] = [];
  const warn = ({ failures }: { failures: number }, text: string) => lines.push([failures, text]);
  return { clock, lines, report: new FailureReport(clock, logFailures({ warn } as unknown as Logger)) };
}

describe('why endpoints fail', () => {
  it('is told at once, and then once a minute with how often it happened', () => {
    const { clock, lines, report } = start();
    const text = 'default/s: 192.0.2.1:80: connect ECONNREFUSED';
    for (let failure = 0; failure < 5; failure += 1) report.note(refused);
    assert.deepEqual(lines, [[1, text]]);
    clock.advance(reportIntervalMs);
    report.note(refused);
    assert.deepEqual(lines.slice(1), [[5, text]]);
  });

  it('is told of each endpoint and for each reason', () => {
    const { lines, report } = start();
    for (const change of [
      {},
      { endpoint: 'b.test:80' },
      { reason: 'upstream_reset' },
      { service: 'default/t' },
    ])
      for (const _ of [1, 2]) report.note({ ...refused, ...change });
    assert.equal(lines.length, 4);
  });

  it('is remembered of a bounded number of endpoints', () => {
    const { lines, report } = start();
    for (let endpoint = 0; endpoint < 1001; endpoint += 1)
      report.note({ ...refused, endpoint: String(endpoint) });
    report.note({ ...refused, endpoint: '1000' });
    assert.equal(lines.length, 1001);
    report.note({ ...refused, endpoint: '0' });
    assert.equal(lines.length, 1002);
  });
});
