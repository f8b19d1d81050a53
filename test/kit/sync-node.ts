// A node without traffic: the data plane's own sync client with a target that only records, for tests and benches of the
// config stream with many nodes in one process.

import { join } from 'node:path';
import { NodeProblemSchema, type NodeProblem } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { HealthReport } from '@causeway/data-plane/health/health-report';
import type { CommandHandlers } from '@causeway/data-plane/sync/command-runner';
import { ConfigSync } from '@causeway/data-plane/sync/config-sync';
import type { NodeStatus } from '@causeway/data-plane/sync/node-status';
import type { SnapshotUpdate } from '@causeway/data-plane/sync/snapshot-target';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { onEnd, type Owner } from './owner.ts';
import { tempDir } from './temp-dir.ts';

export interface SyncNodeOptions {
  streamPort: number;
  credential: string;
  id: string;
  gateway?: string;
  /** Default: a new temporary directory. */
  dataDir?: string;
  /** What it can be asked, beside its configuration. */
  commands?: CommandHandlers;
  /** Called when an update has been taken. */
  onApplied?: (update: SnapshotUpdate) => void;
}

export class SyncNode {
  readonly id: string;
  readonly sync: ConfigSync;
  readonly health = new HealthReport();
  /** Updates that were taken, oldest first. */
  readonly updates: SnapshotUpdate[] = [];
  /** What the next updates are answered with; empty = taken. */
  problems: Pick<NodeProblem, 'reason' | 'resource' | 'pointer' | 'detail'>[] = [];
  readonly logs: string[] = [];
  /** What it tells with the next status. */
  status: NodeStatus = {
    connections: 0,
    activeRequests: 0,
    draining: false,
    workersToReplace: 0,
    streams: { webSockets: 0, events: 0, records: 0 },
    drain: undefined,
    keyUses: [],
  };
  /** Keys of session tickets that it was sent, oldest first. */
  readonly ticketKeys: Uint8Array[] = [];
  readonly affinityKeys: Uint8Array[] = [];
  /** How many nodes it was told that its Gateway has. */
  readonly fellows: number[] = [];

  constructor(options: SyncNodeOptions, dataDir: string) {
    this.id = options.id;
    this.sync = new ConfigSync({
      address: `127.0.0.1:${options.streamPort}`,
      credential: () => options.credential,
      identity: {
        nodeId: options.id,
        gateway: options.gateway ?? 'default',
        labels: {},
        version: '1.0.0',
        workers: 1,
      },
      target: {
        apply: async (update) => {
          if (this.problems.length > 0)
            return this.problems.map((problem) => create(NodeProblemSchema, problem));
          this.updates.push(update);
          options.onApplied?.(update);
          return [];
        },
      },
      lastGoodPath: join(dataDir, `${options.id}.snapshot`),
      logger: createLogger({ level: 'info', write: (line) => this.logs.push(line) }),
      clock: systemClock,
      status: () => this.status,
      health: this.health,
      commands: {
        'config-dump': async () => ({ node: options.id, revision: this.sync.appliedRevision }),
        ...options.commands,
      },
      onDrain: () => this.logs.push('drain'),
      onFellows: ({ nodes }) => this.fellows.push(nodes),
      onAffinityKeys: ({ current }) => this.affinityKeys.push(current),
      onLoginKeys: () => {},
      onTicketKeys: ({ keys }) => this.ticketKeys.push(keys),
    });
  }
}

/** Starts a node that records what it is sent; it is stopped when `owner` ends. */
export async function startSyncNode(owner: Owner, options: SyncNodeOptions): Promise<SyncNode> {
  const node = new SyncNode(options, options.dataDir ?? (await tempDir(owner)));
  onEnd(owner, () => node.sync.stop());
  await node.sync.start();
  return node;
}
