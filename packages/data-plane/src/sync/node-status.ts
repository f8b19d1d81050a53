import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StatusSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import type { UsedKey } from '../keys/key-uses.ts';
import type { StreamCounts } from '../streams/live-stream.ts';

/** What a node tells of itself, at most once a second. */
export interface NodeStatus {
  readonly connections: number;
  readonly activeRequests: number;
  readonly draining: boolean;
  /** Workers that wait for their replacement. */
  readonly workersToReplace: number;
  /** Of all workers. */
  readonly streams: StreamCounts;
  /** From the moment in which it is draining. */
  readonly drain: DrainProgress | undefined;
  /** Since the status before. */
  readonly keyUses: readonly UsedKey[];
}

/** How far the node is with ending what it has. */
export interface DrainProgress {
  /** For how long it goes on accepting. */
  readonly delayMs: number;
  /** Client connections that there were when it began to end them, and WebSockets among them. */
  readonly connections: number;
  readonly webSockets: number;
  /** Of these: who was done by themselves, */
  readonly ended: number;
  /** who was ended politely, */
  readonly closed: number;
  /** and who was not gone when the time was over. */
  readonly cut: number;
  /** Nothing is left. */
  readonly done: boolean;
}

export function statusFields(status: NodeStatus): MessageInitShape<typeof StatusSchema> {
  const { connections, activeRequests, draining, workersToReplace, streams, drain, keyUses } = status;
  return {
    connections,
    activeRequests,
    draining,
    workersToReplace,
    webSockets: streams.webSockets,
    eventStreams: streams.events,
    recordStreams: streams.records,
    ...(drain && { drain }),
    keyUses: keyUses.map(({ hash, usedMs }) => ({ hash: Buffer.from(hash, 'base64'), usedMs })),
  };
}
