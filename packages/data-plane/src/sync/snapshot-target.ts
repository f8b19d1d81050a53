import type { Compiled } from '@causeway/proto/compiled';
import type { EndpointSet, NodeProblem } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { SnapshotItems } from '@causeway/proto/snapshot-items';

/** One step of configuration, complete and as a difference to what the target last applied. */
export interface SnapshotUpdate {
  revision: number;
  /** The complete set. */
  items: SnapshotItems;
  /** Items that differ from what was last applied: all of them the first time. */
  changed: readonly Compiled[];
  removedKeys: readonly string[];
  /** Complete, by Service (`namespace/name`). A set that has not changed is the same object as before. */
  endpoints: ReadonlyMap<string, EndpointSet>;
}

/** Whoever turns snapshots into traffic. */
export interface SnapshotTarget {
  /**
   * Builds aside and swaps. An empty answer means that the update is live; problems mean that nothing of it is and
   * everything stays as it was. Calls never overlap.
   */
  apply(update: SnapshotUpdate): Promise<NodeProblem[]>;
}
