/** A thread that counts in shared memory, and holds what it has counted for a turn of its event loop now and then. */

import assert from 'node:assert/strict';
import { workerData } from 'node:worker_threads';

import type { KeyedTableMemory } from '../counts/keyed-table.ts';
import { SharedCounts } from '../counts/shared-counts.ts';

interface Task {
  readonly memory: KeyedTableMemory;
  readonly worker: number;
  /** Turns of the event loop, by worker. */
  readonly ticks: Int32Array<SharedArrayBuffer>;
  readonly rounds: number;
  /** How often each key is held. */
  readonly held: Int32Array<SharedArrayBuffer>;
  readonly max: number;
}

const { memory, worker, ticks, rounds, held, max } = workerData as Task;
const counts = new SharedCounts(memory, worker);

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.add(ticks, worker, 1);
}

for (let round = 0; round < rounds; round += 1) {
  const number = Math.floor(Math.random() * held.length);
  const key = counts.keyOf(`key ${number}`);
  const isCounted = counts.enter(key, max);
  if (isCounted) assert.ok(Atomics.add(held, number, 1) < max);
  if (round % 16 === 0) await nextTurn();
  if (!isCounted) continue;
  Atomics.sub(held, number, 1);
  counts.leave(key);
}
