/** What the exchanges of a node have in common. */

import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';

import type { NodeShared } from '../counts/node-shared.ts';
import type { TableGenerations } from '../table/table-generations.ts';
import type { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import type { LiveStreams } from '../streams/live-streams.ts';
import type { ExchangeObserver } from './exchange-record.ts';
import type { BodyRoom } from './held-body.ts';
import type { Mirrors } from './mirrored-request.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface ProxyContext {
  readonly generations: TableGenerations;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: ExchangeObserver;
  /** What all workers of the node count together. */
  readonly shared: NodeShared;
  readonly affinityKeys: AffinityKeys;
  readonly mirrors: Mirrors;
  /** For bodies that filters read whole. */
  readonly bodyRoom: BodyRoom;
  readonly streams: LiveStreams;
  /** Whether this process has file descriptors for one more connection. */
  hasDescriptors(): boolean;
  /** From now on clients are asked to connect anew, which brings them to another node. */
  isDraining: boolean;
}
