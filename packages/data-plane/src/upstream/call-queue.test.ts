import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { CallQueue, type Queued } from './call-queue.ts';

class Waiting implements Queued<Waiting> {
  queueNext: Waiting | undefined = undefined;
  queuePrevious: Waiting | undefined = undefined;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

function queueOf(count: number) {
  const queue = new CallQueue<Waiting>();
  const calls = Array.from({ length: count }, (_, id) => new Waiting(id));
  for (const call of calls) queue.push(call);
  return { queue, calls };
}

/** Empties it. */
function idsOf(queue: CallQueue<Waiting>): number[] {
  const ids: number[] = [];
  for (let call = queue.shift(); call !== undefined; call = queue.shift()) ids.push(call.id);
  return ids;
}

describe('CallQueue', () => {
  it('gives calls in the order in which they came', () => {
    const { queue } = queueOf(3);
    assert.equal(queue.size, 3);
    assert.deepEqual(idsOf(queue), [0, 1, 2]);
    assert.deepEqual([queue.size, queue.shift()], [0, undefined]);
  });

  for (const [where, ids] of [
    ['first', [0]],
    ['middle', [1]],
    ['last', [3]],
    ['first two', [0, 1]],
    ['last two', [3, 2]],
    ['all', [1, 0, 3, 2]],
  ] as const)
    it(`lets the ${where} leave, and takes new ones at its end`, () => {
      const { queue, calls } = queueOf(4);
      for (const id of ids) queue.remove(calls[id]!);
      assert.equal(queue.size, 4 - ids.length);
      queue.push(new Waiting(9));
      assert.deepEqual(idsOf(queue), [
        ...[0, 1, 2, 3].filter((id) => !(ids as readonly number[]).includes(id)),
        9,
      ]);
      assert.equal(queue.size, 0);
    });

  it('keeps no link to a call that has left, which may come again', () => {
    const { queue, calls } = queueOf(3);
    queue.remove(calls[1]!);
    assert.deepEqual([calls[1]!.queueNext, calls[1]!.queuePrevious], [undefined, undefined]);
    queue.push(calls[1]!);
    assert.deepEqual(idsOf(queue), [0, 2, 1]);
  });
});
