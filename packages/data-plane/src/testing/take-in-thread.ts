/** A thread that takes tokens of one bucket, none of which comes back meanwhile. */

import { parentPort, workerData } from 'node:worker_threads';

import { TokenBuckets, type TokenBucketsMemory } from '../counts/token-buckets.ts';

interface Task {
  readonly memory: TokenBucketsMemory;
  readonly go: Int32Array<SharedArrayBuffer>;
  readonly tries: number;
  readonly capacity: number;
}

const { memory, go, tries, capacity } = workerData as Task;
const buckets = new TokenBuckets(memory);
const limit = buckets.limitId('l');
Atomics.wait(go, 0, 0);
let taken = 0;
for (let n = 0; n < tries; n += 1)
  if (buckets.take(limit, 'k', { intervalNs: 86_400e9, capacity }, 1, 1) >= 0) taken += 1;
parentPort?.postMessage(taken, []);
