import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { age, shortDuration, tookTime } from './age.ts';

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000] as const;

describe('ages', () => {
  it('have the units that kubectl gives them', () => {
    const cases: [ms: number, text: string][] = [
      [-5, '0s'],
      [999, '0s'],
      [12 * second, '12s'],
      [2 * minute - 1, '119s'],
      [2 * minute, '2m'],
      [2 * minute + second, '2m1s'],
      [10 * minute, '10m'],
      [3 * hour - 1, '179m'],
      [3 * hour, '3h'],
      [3 * hour + minute, '3h1m'],
      [8 * hour, '8h'],
      [2 * day - 1, '47h'],
      [2 * day, '2d'],
      [2 * day + hour, '2d1h'],
      [9 * day, '9d'],
      [2 * 365 * day, '2y'],
      [2 * 365 * day + day, '2y1d'],
      [8 * 365 * day, '8y'],
    ];
    for (const [ms, text] of cases) assert.equal(shortDuration(ms), text);
  });

  it('are - for what was never created', () => {
    assert.equal(age('1970-01-01T00:00:00.000Z', 5 * day), '-');
    assert.equal(age('', 5), '-');
    assert.equal(age('1970-01-02T00:00:00.000Z', 5 * day), '4d');
  });

  it('are as exact as it takes for what took a moment', () => {
    assert.equal(tookTime(6.4), '6ms');
    assert.equal(tookTime(1234), '1.2s');
    assert.equal(tookTime(30_000), '30s');
    assert.equal(tookTime(90 * second), '90s');
  });
});
