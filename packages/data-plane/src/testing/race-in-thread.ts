/** A thread that asks for one place again and again, each time at the same moment as another thread. */

import { workerData } from 'node:worker_threads';

import type { KeyedTableMemory } from '../counts/keyed-table.ts';
import { SharedCounts } from '../counts/shared-counts.ts';

interface Race {
  readonly memory: KeyedTableMemory;
  readonly worker: number;
  /** Meetings that each thread has come to. */
  readonly turns: Int32Array<SharedArrayBuffer>;
  /** By round, how many got the place. */
  readonly granted: Int32Array<SharedArrayBuffer>;
}

const { memory, worker, turns, granted } = workerData as Race;
const counts = new SharedCounts(memory, worker);
const key = counts.keyOf('place');

/** Waits for the others without giving up the processor, so that all go on at once. */
function meet(): void {
  const turn = Atomics.add(turns, worker, 1) + 1;
  while (turns.some((_, other) => Atomics.load(turns, other) < turn));
}

for (let round = 0; round < granted.length; round += 1) {
  meet();
  const isGranted = counts.enter(key, 1);
  if (isGranted) Atomics.add(granted, round, 1);
  meet();
  if (isGranted) counts.leave(key);
}
