import { tokenBucketsMax } from '../counts/node-shared.ts';
import { resizedTokenBuckets, type TokenBucketsMemory } from '../counts/token-buckets.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';

/** Buckets for as many keys as the Gateway of the update says; undefined when those of now are. */
export function bucketsFor(
  { changed }: SnapshotUpdate,
  now: TokenBucketsMemory,
): TokenBucketsMemory | undefined {
  const gateway = changed.find(({ kind }) => kind === 'gateway');
  if (gateway?.kind !== 'gateway') return undefined;
  // A snapshot of a control plane that did not know the limit has none.
  return resizedTokenBuckets(now, gateway.value.limits?.rateLimitKeys || tokenBucketsMax);
}
