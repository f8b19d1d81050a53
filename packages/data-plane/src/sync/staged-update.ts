import { itemDigest, sameDigest } from '@causeway/proto/digest';
import type { Begin, End, EndpointSet, Item, Items } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { Steps } from '@causeway/runtime/work-slices';

import type { Snapshot } from './last-good.ts';

/** Items of one update; more than any fleet has, so a stream that never ends cannot fill the memory. */
const itemsMax = 2_000_000;

/** An update between its Begin and its End: nothing of it is live. */
export class StagedUpdate {
  readonly revision: number;
  readonly #begin: Begin;
  readonly #upserts: Item[] = [];
  readonly #removedKeys: string[] = [];
  readonly #endpoints: EndpointSet[] = [];

  constructor(begin: Begin) {
    this.revision = begin.revision;
    this.#begin = begin;
  }

  addItems({ upserts, removedKeys }: Items): void {
    if (this.#upserts.length + this.#removedKeys.length > itemsMax)
      throw new Error(`an update has more than ${itemsMax} items`);
    this.#upserts.push(...upserts);
    this.#removedKeys.push(...removedKeys);
  }

  addEndpoints(sets: readonly EndpointSet[]): void {
    this.#endpoints.push(...sets);
  }

  /** The snapshot that this update makes of `base`; undefined when base or result are not what they should be. */
  *finish(end: End, base: Snapshot): Steps<Snapshot | undefined> {
    const { baseRootDigest, replacedBuckets } = this.#begin;
    if (baseRootDigest.byteLength > 0 && !sameDigest(baseRootDigest, base.items.rootDigest)) return undefined;
    for (const { digest, schemaVersion, bytes } of this.#upserts) {
      if (!sameDigest(digest, itemDigest(schemaVersion, bytes))) return undefined;
      yield;
    }
    const items = yield* base.items.withInSteps({
      upserts: this.#upserts,
      removedKeys: this.#removedKeys,
      replacedBuckets,
    });
    if (!sameDigest(items.rootDigest, end.rootDigest)) return undefined;
    return {
      revision: this.revision,
      items,
      endpoints: yield* withEndpoints(base.endpoints, this.#endpoints, items),
    };
  }
}

/** Sets by Service: the held ones, replaced by new ones, without those of Services that the snapshot does not hold. */
export function* withEndpoints(
  held: ReadonlyMap<string, EndpointSet>,
  sets: readonly EndpointSet[],
  items: SnapshotItems,
): Steps<Map<string, EndpointSet>> {
  const merged = new Map(held);
  for (const set of sets) merged.set(set.service, set);
  for (const service of merged.keys()) {
    if (!items.get(`service/${service}`)) merged.delete(service);
    yield;
  }
  return merged;
}
