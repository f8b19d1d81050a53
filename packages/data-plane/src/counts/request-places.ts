/** Places of requests that may be under way at once, by key, over all workers of a node. */

import type { Places } from '@causeway/filters/concurrency';

import type { CountKey, SharedCounts } from './shared-counts.ts';

export class RequestPlaces implements Places {
  readonly #counts: SharedCounts;

  constructor(counts: SharedCounts) {
    this.#counts = counts;
  }

  enter(key: string, max: number): CountKey | undefined {
    const place = this.#counts.keyOf(key);
    return this.#counts.enter(place, max) ? place : undefined;
  }

  leave(place: object): void {
    this.#counts.leave(place as CountKey);
  }
}
