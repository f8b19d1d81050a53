import type { CacheServices } from '@causeway/filters/cache/cache';
import { CacheStore, type ChangedPlace } from '@causeway/filters/cache/cache-store';
import { Flights } from '@causeway/filters/cache/flights';
import { canonicalPath } from '@causeway/router/canonical-path';
import type { Clock } from '@causeway/runtime/clock';
import { sliceWork } from '@causeway/runtime/work-slices';
import { type CachePurge, purgeQuery } from './purge-query.ts';

/** The answers that cache filters of a worker keep. */
export class NodeCache {
  readonly store = new CacheStore();
  /** What cache filters need. */
  readonly services: CacheServices;
  readonly #mergesSlashes: () => boolean;

  /** `tellChanged`: a request has changed what the caches of other workers may hold. */
  constructor(clock: Clock, mergesSlashes: () => boolean, tellChanged: (place: ChangedPlace) => void) {
    this.#mergesSlashes = mergesSlashes;
    this.services = {
      store: this.store,
      flights: new Flights(clock),
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, action) => clock.after(delayMs, action),
      canonical: (target) => {
        const canonical = canonicalPath(target, mergesSlashes());
        return canonical.ok ? canonical : undefined;
      },
      tellChanged,
    };
  }

  /** Takes answers out, and gives how many; `url` and `prefix` are as users write them. */
  async purge(wanted: CachePurge): Promise<number> {
    return sliceWork(this.store.purge(purgeQuery(wanted, this.#mergesSlashes())));
  }
}
