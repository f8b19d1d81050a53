import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthState } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { HealthReport, newsMax } from './health-report.ts';

const unhealthy = { state: 'unhealthy', detail: 'status 503', sinceMs: 5 } as const;
const unknown = { state: 'unknown', detail: '', sinceMs: 0 } as const;

const stateNames = new Map<HealthState, string>(
  Object.entries(HealthState).map(([name, value]) => [value, name]),
);

/** What is told next, in short. */
function next(report: HealthReport): unknown {
  const news = report.take();
  return (
    news && [
      news.endpointHealthStarts,
      ...news.endpointHealth.map(
        ({ service, endpoint, state }) => `${service} ${endpoint} ${stateNames.get(state)}`,
      ),
    ]
  );
}

describe('what the control plane is told of endpoints', () => {
  it('is all that is known, with the first message of a stream', () => {
    const report = new HealthReport();
    report.note('default/a', 'e1', unhealthy);
    report.note('default/a', 'e2', unknown);
    assert.equal(next(report), undefined);
    report.begin();
    assert.deepEqual(next(report), [true, 'default/a e1 UNHEALTHY']);
    assert.equal(next(report), undefined);
    report.end();
    report.begin();
    assert.deepEqual(next(report), [true, 'default/a e1 UNHEALTHY']);
    const empty = new HealthReport();
    empty.begin();
    assert.deepEqual(next(empty), [true]);
  });

  it('is what has changed since, each endpoint once', () => {
    const report = new HealthReport();
    report.begin();
    report.take();
    report.note('default/a', 'e1', unhealthy);
    report.note('default/a', 'e1', { ...unhealthy, state: 'healthy' });
    report.note('default/a', 'e2', { ...unhealthy, state: 'ejected' });
    assert.deepEqual(next(report), [false, 'default/a e1 HEALTHY', 'default/a e2 EJECTED']);
    report.note('default/a', 'e1', unknown);
    report.note('default/a', 'e3', unknown);
    assert.deepEqual(next(report), [false, 'default/a e1 UNKNOWN']);
  });

  it('is so much at a time, and the rest with the next', () => {
    const report = new HealthReport();
    report.begin();
    for (let index = 0; index < newsMax + 1; index += 1) report.note('default/a', `e${index}`, unhealthy);
    const [first, second, third] = [report.take(), report.take(), report.take()];
    assert.deepEqual(
      [first?.endpointHealth.length, second?.endpointHealth.length, third],
      [newsMax, 1, undefined],
    );
    assert.deepEqual([first?.endpointHealthStarts, second?.endpointHealthStarts], [true, false]);
  });

  it('keeps nothing of endpoints that come and go while nobody listens', () => {
    const report = new HealthReport();
    report.begin();
    report.take();
    report.end();
    report.note('default/a', 'gone', unhealthy);
    report.note('default/a', 'gone', unknown);
    report.note('default/a', 'there', unhealthy);
    report.begin();
    assert.deepEqual(next(report), [true, 'default/a there UNHEALTHY']);
  });
});
