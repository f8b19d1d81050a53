/** The buckets that a Gateway's nodes have in common, in its Redis. */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { ClusterBuckets, ClusterTake } from '@causeway/filters/rate-limit/cluster-buckets';

import type { RedisCounters } from './redis-counters.ts';
import type { RedisLink } from './redis-link.ts';

/** Bytes of a hash that stand for a key; as good as unique. */
const hashChars = 22;
/** A quota is kept for so long after its period: clocks of nodes differ. */
const keptMs = 3_600_000;

export class ClusterCounts implements ClusterBuckets {
  #nodes = 1;
  readonly #counters: RedisCounters;
  #link: RedisLink | undefined;
  #secret: KeyObject | undefined;

  constructor(counters: RedisCounters) {
    this.#counters = counters;
  }

  get nodes(): number {
    return this.#nodes;
  }

  /** So many nodes are there, this one included. */
  share(nodes: number): void {
    this.#nodes = Math.max(nodes, 1);
  }

  get link(): RedisLink | undefined {
    return this.#link;
  }

  /** Asks there from now on; undefined: nobody. */
  use(link: RedisLink | undefined): void {
    this.#link = link;
    this.#secret = link && createSecretKey(link.settings.keySecret);
  }

  take(key: string, takes: readonly ClusterTake[]): Promise<readonly number[] | undefined> | undefined {
    const link = this.#link;
    if (link === undefined || this.#secret === undefined) return undefined;
    // In braces: all buckets of a key are on one node of a Redis Cluster.
    const hash = createHmac('sha256', this.#secret).update(key).digest('base64url').slice(0, hashChars);
    const start = `${link.settings.keyPrefix}{${hash}}`;
    const asked = link.run(
      hash,
      takes.map(({ limit }) => start + limit),
      takes.flatMap(scriptValues),
    );
    // Buckets are told in microseconds.
    return asked?.then((answer) =>
      answer?.map((told, index) => ('max' in takes[index]! ? told : told * 1000)),
    );
  }

  noteUncounted(): void {
    this.#counters.quotasUncounted.add(1);
  }
}

/** As `limitScript` wants them. */
function scriptValues(take: ClusterTake): number[] {
  if ('max' in take) return [0, take.max, 1, take.endMs + keptMs];
  return [take.rate.intervalNs / 1000, take.rate.capacity, take.cost, take.needed];
}
