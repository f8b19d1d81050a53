/** What the workers of one node count together. */

import { type CountKey, createSharedCounts, SharedCounts, type SharedCountsMemory } from './shared-counts.ts';
import { createSlices, WorkerSlices } from './worker-slices.ts';

/** Addresses of clients that are told apart at a time. */
const addressesMax = 65_536;
/** Routes with a limit of their own, and endpoints. */
const routesMax = 16_384;
const endpointsMax = 32_768;

/** Goes to every worker. */
export interface NodeSharedMemory {
  readonly workers: number;
  readonly slices: SharedArrayBuffer;
  readonly addresses: SharedCountsMemory;
  readonly routes: SharedCountsMemory;
  readonly endpoints: SharedCountsMemory;
}

/** `workers`: most at the same time, those that take another's place included. */
export function createNodeShared(workers: number): NodeSharedMemory {
  return {
    workers,
    slices: createSlices(workers),
    addresses: createSharedCounts(addressesMax, workers),
    routes: createSharedCounts(routesMax, workers),
    endpoints: createSharedCounts(endpointsMax, workers),
  };
}

/** The same as one worker sees it. */
export class NodeShared {
  readonly slices: WorkerSlices;
  /** Connections of clients, by address. */
  readonly addresses: SharedCounts;
  /** Exchanges that are not over, by Route. */
  readonly routes: SharedCounts;
  /** Connections to endpoints, by Service and endpoint. */
  readonly endpoints: SharedCounts;

  constructor(memory: NodeSharedMemory, worker: number) {
    this.slices = new WorkerSlices(memory.slices, worker);
    this.addresses = new SharedCounts(memory.addresses, worker);
    this.routes = new SharedCounts(memory.routes, worker);
    this.endpoints = new SharedCounts(memory.endpoints, worker);
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
