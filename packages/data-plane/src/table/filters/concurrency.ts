import type { ConcurrencySettings } from '@causeway/filters/concurrency';
import type { Concurrency } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { readRequestSource } from '../read-balancing.ts';

export function readConcurrency({ id, max, key, waitingMax, waitMsMax }: Concurrency): ConcurrencySettings {
  return { id, max, key: key.map(readRequestSource), waitingMax, waitMsMax };
}
