/** What the threads of one node count and know together. */

import { endpointLayout } from './endpoint-record.ts';
import { KeyedTable, type KeyedTableMemory } from './keyed-table.ts';
import { serviceLayout } from './service-record.ts';
import { type CountKey, createSharedCounts, SharedCounts } from './shared-counts.ts';
import { createSharedRecords, SharedRecords } from './shared-records.ts';
import { RequestPlaces } from './request-places.ts';
import { createTokenBuckets, TokenBuckets, type TokenBucketsMemory } from './token-buckets.ts';
import { createSlices, WorkerSlices } from './worker-slices.ts';

/** Addresses of clients that are told apart at a time. */
const addressesMax = 65_536;
/** Routes with a limit of their own, and endpoints. */
const routesMax = 16_384;
const endpointsMax = 32_768;
/** Records: of endpoints, each address of a name being one, and of Services. Beyond it a worker is on its own. */
const endpointRecordsMax = 32_768;
const serviceRecordsMax = 16_384;
/** Keys of limits that are told apart at a time, those whose buckets are full not counted, before a Gateway says how many. */
export const tokenBucketsMax = 1_048_576;
/** Keys of limits of requests at once. */
const requestPlacesMax = 65_536;

/** Goes to every worker. */
export interface NodeSharedMemory {
  /** The supervisor's number; those of workers are less. */
  readonly workers: number;
  readonly slices: SharedArrayBuffer;
  readonly addresses: KeyedTableMemory;
  readonly routes: KeyedTableMemory;
  readonly endpoints: KeyedTableMemory;
  readonly endpointRecords: KeyedTableMemory;
  readonly serviceRecords: KeyedTableMemory;
  readonly tokenBuckets: TokenBucketsMemory;
  readonly requestPlaces: KeyedTableMemory;
}

/** `workers`: most at the same time, those that take another's place included. */
export function createNodeShared(workers: number): NodeSharedMemory {
  const threads = workers + 1;
  return {
    workers,
    slices: createSlices(threads),
    addresses: createSharedCounts(addressesMax, threads),
    routes: createSharedCounts(routesMax, threads),
    endpoints: createSharedCounts(endpointsMax, threads),
    endpointRecords: createSharedRecords(endpointRecordsMax, threads, endpointLayout),
    serviceRecords: createSharedRecords(serviceRecordsMax, threads, serviceLayout),
    tokenBuckets: createTokenBuckets(tokenBucketsMax),
    requestPlaces: createSharedCounts(requestPlacesMax, threads),
  };
}

/** What has to be kept in order by the supervisor. */
export function keyedTables(memory: NodeSharedMemory): KeyedTable[] {
  const { addresses, routes, endpoints, endpointRecords, serviceRecords, requestPlaces } = memory;
  return [addresses, routes, endpoints, endpointRecords, serviceRecords, requestPlaces].map(
    (table) => new KeyedTable(table),
  );
}

/** The same as one thread sees it. */
export class NodeShared {
  readonly slices: WorkerSlices;
  /** Connections of clients, by address. */
  readonly addresses: SharedCounts;
  /** Exchanges that are not over, by Route. */
  readonly routes: SharedCounts;
  /** Connections to endpoints, by Service and endpoint. */
  readonly endpoints: SharedCounts;
  /** See `endpoint-record.ts` and `service-record.ts`. */
  readonly endpointRecords: SharedRecords;
  readonly serviceRecords: SharedRecords;
  /** Of limits of requests. */
  readonly tokenBuckets: TokenBuckets;
  /** Of limits of requests at once. */
  readonly requestPlaces: RequestPlaces;

  constructor(memory: NodeSharedMemory, worker: number) {
    this.slices = new WorkerSlices(memory.slices, worker);
    this.addresses = new SharedCounts(memory.addresses, worker);
    this.routes = new SharedCounts(memory.routes, worker);
    this.endpoints = new SharedCounts(memory.endpoints, worker);
    this.endpointRecords = new SharedRecords(memory.endpointRecords, worker);
    this.serviceRecords = new SharedRecords(memory.serviceRecords, worker);
    this.requestPlaces = new RequestPlaces(new SharedCounts(memory.requestPlaces, worker));
    this.tokenBuckets = new TokenBuckets(memory.tokenBuckets);
  }

  /** The same of a WebSocket, for as long as it lives; `leave` of the routes gives it back. */
  enterWebSockets(name: string, max: number): CountKey | undefined {
    return this.enterRoute(`${name} websockets`, max);
  }

  /** Counts an exchange among those of its Route; undefined when there are `max` already. */
  enterRoute(name: string, max: number): CountKey | undefined {
    const key = this.routes.keyOf(name);
    return this.routes.enter(key, max) ? key : undefined;
  }
}

/** For a node that is a single worker. */
export function aloneShared(): NodeShared {
  return new NodeShared(createNodeShared(1), 0);
}
