/** A thread that counts in a window of shared memory while its time passes. */

import { workerData } from 'node:worker_threads';

import type { KeyedTableMemory } from '../counts/keyed-table.ts';
import { SharedRecords } from '../counts/shared-records.ts';
import { SharedWindow } from '../counts/shared-window.ts';

interface Task {
  readonly memory: KeyedTableMemory;
  readonly thread: number;
  readonly rounds: number;
  readonly windowMs: number;
}

const { memory, thread, rounds, windowMs } = workerData as Task;
const window = new SharedWindow(new SharedRecords(memory, thread).open('s'), 0, 2, windowMs);

for (let round = 0; round < rounds; round += 1) {
  const nowMs = Math.floor((round / rounds) * (windowMs / 2));
  window.add(0, 1, nowMs);
  window.add(1, 3, nowMs);
  window.add(1, -2, nowMs);
}
