/** What a worker thread is told when it starts, and what supervisor and worker ask each other. */

import type { ChangedPlace } from '@causeway/filters/cache/cache-store';
import type { KeySetChange } from '@causeway/filters/jwt/key-sets';
import type { LoginKeyPair } from '@causeway/filters/oidc/login-keys';
import type { EndedLogin } from '@causeway/filters/oidc/login-services';
import type { ProviderAnswer, ProviderQuestion } from '@causeway/filters/oidc/provider';
import type { NodeProblem } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { MetricFamily } from '@causeway/runtime/metrics';
import type { LogLevel } from '@causeway/runtime/logger';

import type { UsedKey } from '../keys/key-uses.ts';
import type { BoundPorts } from '../listen/ports.ts';
import type { StapleChange } from '../listen/tls/ocsp/staples.ts';
import type { WrittenBatch } from '../observe/log-outputs.ts';
import type { NodeSharedMemory } from '../counts/node-shared.ts';
import type { TokenBucketsMemory } from '../counts/token-buckets.ts';
import type { AffinityKeyPair } from '../upstream/balancing/affinity-keys.ts';
import type { PlaceTells, PlaceWant } from '../upstream/endpoint-places.ts';
import type { EndpointFailure } from '../upstream/failure-report.ts';
import type { CachePurge } from '../cache/purge-query.ts';
import type { StreamList } from '../streams/live-streams.ts';
import type { StreamQuery } from '../streams/stream-query.ts';
import type { WorkerDrain } from './drain-report.ts';
import type { WireUpdate } from './wire-update.ts';

export interface WorkerSetup {
  /** Its slice of what is shared. */
  readonly worker: number;
  /** How many workers the node is to have. */
  readonly workers: number;
  readonly nodeId: string;
  readonly logLevel: LogLevel;
  readonly shared: NodeSharedMemory;
  /** Where it puts a batch of the access log for the supervisor; of `batchBytesMax` bytes. */
  readonly logBatch: SharedArrayBuffer;
  /** Those that all workers seal session tickets with. */
  readonly ticketKeys: Uint8Array;
  /** That all of them sign affinity cookies with. */
  readonly affinityKeys: AffinityKeyPair;
  /** Nodes of its Gateway. */
  readonly fellows: number;
  /** That sessions of users are sealed with; undefined = there are none yet. */
  readonly loginKeys: LoginKeyPair | undefined;
  /** Sessions whose users have logged out so far. */
  readonly endedLogins: readonly EndedLogin[];
  /** Of the node; undefined = none. */
  readonly zone: string | undefined;
  /** Of the modules of plugins; undefined = there are none. */
  readonly pluginDir: string | undefined;
  /** Answers of OCSP that there are so far. */
  readonly staples: readonly StapleChange[];
  /** Keys of issuers that there are so far. */
  readonly keySets: readonly KeySetChange[];
}

export interface PrepareRequest {
  readonly wire: WireUpdate;
  /** Ports that other workers have opened already; undefined for the first. */
  readonly takenPorts: BoundPorts | undefined;
  /** Ports of this process besides those for traffic, to which no upstream may lead. */
  readonly otherPorts: readonly number[];
  /** In the place of those that it has; undefined: these stay. */
  readonly tokenBuckets: TokenBucketsMemory | undefined;
}

export interface PrepareAnswer {
  readonly problems: readonly NodeProblem[];
  readonly boundPorts: BoundPorts;
  /** How long a drain takes at most, as the Gateway of this update says; milliseconds. */
  readonly drainMsMax: number;
  /** How much of it goes on accepting. */
  readonly drainDelayMs: number;
}

/** What a worker can be asked. */
export interface WorkerAsks {
  /** Builds aside; problems: nothing has changed. `commit` or `abort` follows when there are none. */
  prepare(request: PrepareRequest): Promise<PrepareAnswer>;
  commit(): void;
  abort(): void;
  /** Resolves when nothing is under way any more, or has been cut. */
  drain(drainDelayMs: number | undefined): Promise<WorkerDrain>;
  metrics(): readonly MetricFamily[];
  configDump(): object;
  listStreams(query: StreamQuery): StreamList;
  /** Gives how many answers are gone. */
  purgeCache(wanted: CachePurge): Promise<number>;
}

/** What a worker is told. */
export interface WorkerTells {
  addresses(found: FoundAddresses): void;
  /** Other workers need a place for a connection, or have given one up. */
  placeWanted(want: PlaceWant): void;
  placeFreed(endpoint: string): void;
  /** Undefined: nobody knows. */
  descriptors(openFilesMax: number | undefined): void;
  ticketKeys(keys: Uint8Array): void;
  affinityKeys(keys: AffinityKeyPair): void;
  /** So many nodes of the Gateway are connected, this one included. */
  fellows(nodes: number): void;
  loginKeys(keys: LoginKeyPair): void;
  /** Its user has logged out. */
  loginEnded(ended: EndedLogin): void;
  staple(change: StapleChange): void;
  keySet(change: KeySetChange): void;
  /** A request to another worker has changed what stands there. */
  cacheChanged(place: ChangedPlace): void;
}

export interface FoundAddresses {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What a worker asks its supervisor: as `LogOutputs` does it. */
export interface SupervisorAsks {
  openLog(path: string | undefined): Promise<void>;
  writeLog(batch: LogBatch): Promise<WrittenBatch>;
  /** See `KeyKeeper`. */
  refreshKeys(source: string): Promise<void>;
  /** See `LoginDesk`. */
  askProvider(question: ProviderQuestion): Promise<ProviderAnswer>;
}

export interface LogBatch {
  readonly path: string | undefined;
  /** Themselves, or how many of those in `logBatch`: memory that goes along with messages is garbage on both sides. */
  readonly bytes: Uint8Array | number;
}

/** What a worker tells its supervisor. */
export interface SupervisorTells extends PlaceTells {
  /** Lines of the access log are lost; `why` undefined: nobody takes them. */
  lostLines(lost: { readonly lines: number; readonly why: string | undefined }): void;
  releaseLog(path: string | undefined): void;
  keyUsed(use: UsedKey): void;
  /** For all workers to know: the user has logged out. */
  endLogin(ended: EndedLogin): void;
  failing(told: { readonly failure: EndpointFailure; readonly failures: number }): void;
  watch(name: string): void;
  cacheChanged(place: ChangedPlace): void;
  unwatch(name: string): void;
}
