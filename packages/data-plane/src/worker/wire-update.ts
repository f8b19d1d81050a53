/** Updates as they go from the supervisor to its workers: bytes, and no more of them than what a worker does not have. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import {
  type EndpointSet,
  EndpointSetsSchema,
  ItemsSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { Steps } from '@causeway/runtime/work-slices';

import type { SnapshotUpdate } from '../sync/snapshot-target.ts';

/** What is applied, as both sides remember it. */
export interface Applied {
  readonly revision: number;
  readonly items: SnapshotItems;
  readonly endpoints: ReadonlyMap<string, EndpointSet>;
}

export const nothingApplied: Applied = { revision: 0, items: SnapshotItems.empty, endpoints: new Map() };

/** The difference between two states. The bytes are those of `Items` and `EndpointSets` of the config stream. */
export interface WireUpdate {
  readonly revision: number;
  readonly items: Uint8Array;
  readonly endpoints: Uint8Array;
  readonly removedServices: readonly string[];
}

export function wireUpdate(from: Applied, to: Applied): WireUpdate {
  const { upserts, removedKeys } = to.items.changeFrom(from.items);
  const changed = Array.from(to.endpoints.values()).filter((set) => from.endpoints.get(set.service) !== set);
  return {
    revision: to.revision,
    items: toBinary(
      ItemsSchema,
      create(ItemsSchema, { upserts: [...upserts], removedKeys: [...removedKeys] }),
    ),
    endpoints: toBinary(EndpointSetsSchema, create(EndpointSetsSchema, { sets: changed })),
    removedServices: [...from.endpoints.keys()].filter((service) => !to.endpoints.has(service)),
  };
}

/** The update for whoever has applied `from`. Throws on bytes that this version cannot read: the supervisor has read them before. */
export function* readWireUpdate(from: Applied, wire: WireUpdate): Steps<SnapshotUpdate> {
  const { upserts, removedKeys } = fromBinary(ItemsSchema, wire.items);
  const items = yield* from.items.withInSteps({ upserts, removedKeys });
  const changed = [];
  for (const item of upserts) {
    const decoded = decodeItem(item);
    if (isDecodeFailure(decoded)) throw new Error(`${item.key}: ${decoded.detail}`);
    changed.push(decoded);
    yield;
  }
  const endpoints = new Map(from.endpoints);
  for (const service of wire.removedServices) endpoints.delete(service);
  for (const set of fromBinary(EndpointSetsSchema, wire.endpoints).sets) endpoints.set(set.service, set);
  return { revision: wire.revision, items, changed, removedKeys, endpoints };
}
