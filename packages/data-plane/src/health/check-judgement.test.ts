import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type CheckedState, CheckJudgement } from './check-judgement.ts';

const thresholds = { unhealthyAfter: 3, healthyAfter: 2 };

/** States after each result; `+` is a good one. */
function states(results: string, before: CheckedState = 'unknown'): string {
  const judgement = new CheckJudgement(thresholds, before);
  return Array.from(results, (result) => {
    const was = judgement.state;
    assert.equal(judgement.note(result === '+'), judgement.state !== was);
    return judgement.state === 'healthy' ? 'H' : judgement.state === 'unhealthy' ? 'U' : '?';
  }).join('');
}

describe('results of checks', () => {
  it('decide at once with the first', () => {
    assert.equal(states('+'), 'H');
    assert.equal(states('-'), 'U');
  });

  it('make an endpoint unhealthy after so many failures in a row', () => {
    assert.equal(states('+---'), 'HHHU');
    assert.equal(states('+--+--+---'), 'HHHHHHHHHU');
  });

  it('make it healthy again after so many good ones in a row', () => {
    assert.equal(states('-++'), 'UUH');
    assert.equal(states('-+-+-++'), 'UUUUUUH');
  });

  it('count from nothing after each change', () => {
    assert.equal(states('+---++---'), 'HHHUUHHHU');
  });

  it('of another check decide at once too, and what was known stays until then', () => {
    assert.equal(new CheckJudgement(thresholds, 'unhealthy').state, 'unhealthy');
    assert.equal(states('+', 'unhealthy'), 'H');
    assert.equal(states('-', 'healthy'), 'U');
    assert.equal(states('+---', 'healthy'), 'HHHU');
    assert.equal(states('---', 'unhealthy'), 'UUU');
  });

  it('may each decide by itself', () => {
    const judgement = new CheckJudgement({ unhealthyAfter: 1, healthyAfter: 1 }, 'unknown');
    assert.deepEqual(
      [true, false, true, true].map((isGood) => (judgement.note(isGood), judgement.state)),
      ['healthy', 'unhealthy', 'healthy', 'healthy'],
    );
  });
});
