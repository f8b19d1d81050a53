import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turns } from './turns.ts';

describe('Turns', () => {
  it('run so many tasks at a time, the others in order, also after one has failed', async () => {
    const turns = new Turns(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const tasks = Array.from({ length: 5 }, (_, index) =>
      turns.run(async () => {
        begun.push(index);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (index === 0) throw new Error('no');
        return index;
      }),
    );
    const settled = Promise.allSettled(tasks);
    const steps: unknown[] = [];
    for (let step = 0; step < 5; step++) {
      await nextTurn();
      steps.push([begun.length, turns.waiting]);
      ends.shift()!();
    }
    assert.deepEqual(steps, [
      [2, 3],
      [3, 2],
      [4, 1],
      [5, 0],
      [5, 0],
    ]);
    const outcomes = await settled;
    assert.deepEqual(begun, [0, 1, 2, 3, 4]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.equal(await turns.run(async () => 'again'), 'again');
  });
});
