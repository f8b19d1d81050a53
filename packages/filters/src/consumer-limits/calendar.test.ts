import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { periodAt } from './calendar.ts';

const hourMs = 3_600_000;
const at = (text: string): number => Date.parse(text);

describe('periods of the calendar', () => {
  const cases: [
    moment: string,
    per: 'day' | 'month',
    timeZone: string,
    name: string,
    start: string,
    hours: number,
  ][] = [
    ['2026-09-24T00:00:00Z', 'day', 'UTC', '2026-09-24', '2026-09-24T00:00:00Z', 24],
    ['2026-09-23T23:59:59.999Z', 'day', 'UTC', '2026-09-23', '2026-09-23T00:00:00Z', 24],
    ['2026-09-23T20:00:00Z', 'day', 'Asia/Kathmandu', '2026-09-24', '2026-09-23T18:15:00Z', 24],
    // The day on which clocks go forward, and the one on which they go back.
    ['2026-03-29T12:00:00Z', 'day', 'Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z', 23],
    ['2026-10-25T12:00:00Z', 'day', 'Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z', 25],
    ['2026-12-31T23:30:00Z', 'month', 'Europe/Berlin', '2027-01', '2026-12-31T23:00:00Z', 31 * 24],
    ['2028-02-29T12:00:00Z', 'month', 'UTC', '2028-02', '2028-02-01T00:00:00Z', 29 * 24],
  ];
  for (const [moment, per, timeZone, name, start, hours] of cases)
    it(`has ${moment} in the ${per} ${name} of ${timeZone}`, () => {
      assert.deepEqual(periodAt(at(moment), per, timeZone), {
        name,
        startMs: at(start),
        endMs: at(start) + hours * hourMs,
      });
    });
});
