import { createHash } from 'node:crypto';
import { digestBytes } from './digest.ts';
import type { Item } from './gen/causeway/config/v1/config_pb.ts';

export const bucketCount = 256;

/** What turns one set of items into another. A replaced bucket loses every item that is not in `upserts`. */
export interface ItemsChange {
  upserts: readonly Item[];
  removedKeys: readonly string[];
  replacedBuckets?: readonly number[];
}

interface Bucket {
  readonly items: ReadonlyMap<string, Item>;
  digest: Uint8Array | undefined;
}

const emptyBucket: Bucket = { items: new Map(), digest: undefined };

/**
 * An immutable set of compiled resources in 256 buckets by the first byte of SHA-256(key). The root digest is SHA-256
 * over the 256 bucket digests; a bucket's digest is SHA-256 over its (key, digest) pairs sorted by key. A change copies
 * the buckets that it touches and shares the others, so a delta between two sets that derive from each other costs the
 * buckets in which they differ, however many items there are.
 */
export class SnapshotItems {
  static readonly empty = new SnapshotItems(Array.from({ length: bucketCount }, () => emptyBucket));

  readonly #buckets: readonly Bucket[];
  #root: Uint8Array | undefined;

  private constructor(buckets: readonly Bucket[]) {
    this.#buckets = buckets;
  }

  get size(): number {
    return this.#buckets.reduce((sum, bucket) => sum + bucket.items.size, 0);
  }

  get(key: string): Item | undefined {
    return this.#buckets[bucketOf(key)]!.items.get(key);
  }

  *values(): Generator<Item> {
    for (const bucket of this.#buckets) yield* bucket.items.values();
  }

  /** The 256 buckets. A bucket that no change has touched is the same object in the sets before and after. */
  get buckets(): readonly ReadonlyMap<string, Item>[] {
    return this.#buckets.map((bucket) => bucket.items);
  }

  with(change: ItemsChange): SnapshotItems {
    const steps = this.withInSteps(change);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same, with a place to pause after each item and each digest that the new set needs. */
  *withInSteps(change: ItemsChange): Generator<void, SnapshotItems, void> {
    const touched = new Map<number, Map<string, Item>>();
    const edit = (index: number): Map<string, Item> => {
      let items = touched.get(index);
      if (items === undefined) touched.set(index, (items = new Map(this.#buckets[index]!.items)));
      return items;
    };
    for (const index of change.replacedBuckets ?? []) touched.set(index, new Map());
    for (const key of change.removedKeys) {
      edit(bucketOf(key)).delete(key);
      yield;
    }
    for (const item of change.upserts) {
      edit(bucketOf(item.key)).set(item.key, item);
      yield;
    }
    if (touched.size === 0) return this;
    const buckets = [...this.#buckets];
    for (const [index, items] of touched) {
      const bucket = { items, digest: undefined };
      bucketDigest(bucket);
      buckets[index] = bucket;
      yield;
    }
    return new SnapshotItems(buckets);
  }

  /** The change by which `from` becomes this set. */
  changeFrom(from: SnapshotItems): ItemsChange {
    const upserts: Item[] = [];
    const removedKeys: string[] = [];
    for (const [index, bucket] of this.#buckets.entries()) {
      const before = from.#buckets[index]!;
      if (bucket === before) continue;
      for (const [key, item] of bucket.items) {
        const old = before.items.get(key);
        if (old !== item && (old === undefined || Buffer.compare(old.digest, item.digest) !== 0))
          upserts.push(item);
      }
      for (const key of before.items.keys()) if (!bucket.items.has(key)) removedKeys.push(key);
    }
    return { upserts, removedKeys };
  }

  /** The change by which whatever has these bucket digests becomes this set. */
  changeFromDigests(digests: Uint8Array): ItemsChange {
    const ours = this.bucketDigests();
    const replacedBuckets: number[] = [];
    for (let index = 0; index < bucketCount; index++) {
      const [from, to] = [index * digestBytes, (index + 1) * digestBytes];
      if (Buffer.compare(ours.subarray(from, to), digests.subarray(from, to)) !== 0)
        replacedBuckets.push(index);
    }
    return {
      upserts: replacedBuckets.flatMap((index) => [...this.#buckets[index]!.items.values()]),
      removedKeys: [],
      replacedBuckets,
    };
  }

  /** 256 digests of 32 bytes each. */
  bucketDigests(): Uint8Array {
    return Buffer.concat(this.#buckets.map(bucketDigest));
  }

  get rootDigest(): Uint8Array {
    return (this.#root ??= createHash('sha256').update(this.bucketDigests()).digest());
  }
}

/** Bucket of a key: the first byte of its SHA-256. */
export function bucketOf(key: string): number {
  return createHash('sha256').update(key).digest()[0]!;
}

function bucketDigest(bucket: Bucket): Uint8Array {
  if (bucket.digest === undefined) {
    const hash = createHash('sha256');
    for (const key of [...bucket.items.keys()].toSorted()) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(key));
      hash.update(length).update(key).update(bucket.items.get(key)!.digest);
    }
    bucket.digest = hash.digest();
  }
  return bucket.digest;
}
