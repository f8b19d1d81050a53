/** What a worker thread is told when it starts, and what supervisor and worker ask each other. */

import type { NodeProblem } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { MetricFamily } from '@causeway/runtime/metrics';
import type { LogLevel } from '@causeway/runtime/logger';

import type { NodeSharedMemory } from '../shared/node-shared.ts';
import type { WireUpdate } from './wire-update.ts';

export interface WorkerSetup {
  /** Its slice of what is shared. */
  readonly worker: number;
  readonly nodeId: string;
  readonly logLevel: LogLevel;
  readonly shared: NodeSharedMemory;
}

export interface PrepareRequest {
  readonly wire: WireUpdate;
  /** Other workers of this node have opened its ports already. */
  readonly portsAreOurs: boolean;
  /** Ports of this process besides those for traffic, to which no upstream may lead. */
  readonly otherPorts: readonly number[];
}

/** What a worker can be asked. */
export interface WorkerAsks {
  /** Builds aside; problems: nothing has changed. `commit` or `abort` follows when there are none. */
  prepare(request: PrepareRequest): Promise<NodeProblem[]>;
  commit(): void;
  abort(): void;
  /** Resolves when nothing is under way any more, or has been cut. */
  drain(drainDelayMs: number | undefined): Promise<void>;
  metrics(): readonly MetricFamily[];
  configDump(): object;
}

/** What a worker is told. */
export interface WorkerTells {
  addresses(found: FoundAddresses): void;
  reopenLog(): void;
  /** Undefined: nobody knows. */
  descriptors(openFilesMax: number | undefined): void;
}

export interface FoundAddresses {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What a worker tells its supervisor. */
export interface SupervisorTells {
  watch(name: string): void;
  unwatch(name: string): void;
}
