/** A thread that counts in shared memory, and counts how often a limit did not hold. */

import { parentPort, workerData } from 'node:worker_threads';

import { SharedCounts, type SharedCountsMemory } from '../shared/shared-counts.ts';

interface Task {
  readonly memory: SharedCountsMemory;
  readonly worker: number;
  /** Its first word: how often more than the limit were seen. */
  readonly seen: Int32Array<SharedArrayBuffer>;
  readonly rounds: number;
  readonly keys: number;
  readonly max: number;
}

const { memory, worker, seen, rounds, keys, max } = workerData as Task;
const counts = new SharedCounts(memory, worker);

for (let round = 0; round < rounds; round += 1) {
  const key = counts.keyOf(`key ${Math.floor(Math.random() * keys)}`);
  if (counts.enter(key, max)) {
    // Others that have asked and will be refused are counted for a moment.
    if (round % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    counts.leave(key);
  }
  if (round % 16 === 0) {
    parentPort!.postMessage(round);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
if (seen[0]! < 0) throw new Error('never');
