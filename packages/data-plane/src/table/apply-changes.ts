/** What an update changes in one of the maps of a table. */

import { type EditToken, sharedDelete, type SharedMap, sharedSet } from '@causeway/router/shared-map';
import type { Steps } from '@causeway/runtime/work-slices';

/** By name; undefined = gone. */
export type Changes<V> = ReadonlyMap<string, V | undefined>;

/** A map with the changes in it, which shares the rest with the one before. */
export function* applyChanges<V extends object>(
  before: SharedMap<V> | undefined,
  changes: Changes<V>,
): Steps<SharedMap<V> | undefined> {
  const token: EditToken = { edit: true };
  let after = before;
  for (const [name, value] of changes) {
    after = value === undefined ? sharedDelete(after, name, token) : sharedSet(after, name, value, token);
    yield;
  }
  return after;
}
