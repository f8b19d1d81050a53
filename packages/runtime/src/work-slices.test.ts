import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { sliceWork, type Steps } from './work-slices.ts';

function* count(steps: number, onStep: () => void): Steps<string> {
  for (let step = 0; step < steps; step += 1) {
    onStep();
    yield;
  }
  return 'done';
}

describe('sliceWork', () => {
  it('gives what the steps give, and lets others have their turn between slices', async () => {
    let others = 0;
    const other = setInterval(() => (others += 1), 0);
    let othersInside = 0;
    const busyMs = 1;
    const result = await sliceWork(
      count(50, () => {
        const endMs = performance.now() + busyMs;
        while (performance.now() < endMs);
        othersInside = others;
      }),
      2,
    );
    clearInterval(other);
    assert.equal(result, 'done');
    assert.ok(othersInside >= 5, `${othersInside} turns of others`);
  });

  it('does not pause for what is short', async () => {
    let isOver = false;
    const work = sliceWork(
      count(3, () => {}),
      60_000,
    ).then(() => (isOver = true));
    await Promise.resolve();
    await work;
    assert.ok(isOver);
  });

  it('rejects with what a step throws', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    await assert.rejects(sliceWork(count(1, fail)), /broken/);
  });
});
