/** The caches of all workers of a node. */

import type { ChangedPlace } from '@causeway/filters/cache/cache-store';

import type { CachePurge } from '../cache/purge-query.ts';

interface CachingWorker {
  purgeCache(wanted: CachePurge): Promise<number>;
  tellCacheChanged(place: ChangedPlace): void;
}

/** Gives how many answers are gone. Rejects when a worker did not do it; one that has ended meanwhile has none. */
export async function purgeCaches(workers: ReadonlySet<CachingWorker>, wanted: CachePurge): Promise<number> {
  const counts = await Promise.all(
    Array.from(workers, async (worker) => {
      try {
        return await worker.purgeCache(wanted);
      } catch (error) {
        if (workers.has(worker)) throw error;
        return 0;
      }
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** What has changed for one worker has for the others too. */
export function spreadChange(
  workers: ReadonlySet<CachingWorker>,
  from: CachingWorker,
  place: ChangedPlace,
): void {
  for (const worker of workers) if (worker !== from) worker.tellCacheChanged(place);
}
