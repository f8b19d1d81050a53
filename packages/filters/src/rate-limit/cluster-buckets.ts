/** Token buckets that all nodes of a Gateway fill and empty together. */

import type { Sooner } from '../filter.ts';
import type { Rate } from './buckets.ts';

export type ClusterTake = BucketTake | QuotaTake;

export interface BucketTake {
  /** Which limit, as `limitTag` has it: another text is another bucket. */
  readonly limit: string;
  readonly rate: Rate;
  readonly cost: number;
  /** `-capacity`: they are spent already. A bucket owes at most twice what it holds. */
  readonly needed: number;
}

/** A count that goes up to `max` until a moment, milliseconds since 1970, and is forgotten soon after it. */
export interface QuotaTake {
  readonly limit: string;
  readonly max: number;
  readonly endMs: number;
}

export interface ClusterBuckets {
  /** Nodes of the Gateway that count, this one included; at least 1. */
  readonly nodes: number;
  /**
   * Takes from the buckets and quotas of one key, of all or, where one has not what is needed, of none. Gives for a bucket what `Buckets.take`
   * would, for a quota how much is used, or -1 when all is. Undefined: nobody answers in time, or at all.
   */
  take(key: string, takes: readonly ClusterTake[]): Sooner<readonly number[] | undefined>;
  /** Somebody's quotas were not counted, because nobody answers. */
  noteUncounted(): void;
}

/** What one of so many nodes holds a limit to by itself; its bucket has room for what a request needs. */
export function nodeShare<R extends Rate>(rate: R, nodes: number, needed: number): R {
  return { ...rate, intervalNs: rate.intervalNs * nodes, capacity: Math.max(rate.capacity / nodes, needed) };
}

/** For a node whose Gateway has no Redis. */
export const noClusterBuckets: ClusterBuckets = {
  nodes: 1,
  take: () => undefined,

  noteUncounted: () => {},
};
