/** Passes on between workers who needs a place for a connection to an endpoint, and who has given one up. */

import type { PlaceWant } from '../upstream/endpoint-places.ts';
import type { WorkerThread } from './worker-thread.ts';

export class PlaceRelay {
  readonly #threads: ReadonlySet<WorkerThread>;
  /** Workers that need a place, by endpoint. */
  readonly #wanting = new Map<string, Set<WorkerThread>>();

  constructor(threads: ReadonlySet<WorkerThread>) {
    this.#threads = threads;
  }

  want(thread: WorkerThread, { endpoint, isWanted }: PlaceWant): void {
    const wanting = this.#wanting.get(endpoint) ?? new Set();
    if (isWanted) wanting.add(thread);
    else wanting.delete(thread);
    if (wanting.size > 0) this.#wanting.set(endpoint, wanting);
    else this.#wanting.delete(endpoint);
    for (const other of this.#threads) {
      const isAnothers = [...wanting].some((each) => each !== other);
      if (other !== thread) other.tellWanted({ endpoint, isWanted: isAnothers });
    }
  }

  freed(endpoint: string): void {
    for (const thread of this.#wanting.get(endpoint) ?? []) thread.tellFreed(endpoint);
  }

  /** It has ended, and its places are free. */
  forget(thread: WorkerThread): void {
    for (const endpoint of this.#wanting.keys()) {
      this.want(thread, { endpoint, isWanted: false });
      this.freed(endpoint);
    }
  }
}
