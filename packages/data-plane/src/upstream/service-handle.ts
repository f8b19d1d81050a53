/** A Service as tables hold it: its endpoints, whose turn it is, and the connections to each. Survives swaps of tables. */

import type { EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { EndpointPool, type PoolContext, type PoolSettings } from './endpoint-pool.ts';
import { nextInRotation, type Weighted } from './smooth-round-robin.ts';

/** One endpoint of a Service on this node. */
export interface LiveEndpoint extends Weighted {
  /** Stable: the same over every change of its set. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly pool: EndpointPool;
}

/**
 * The set of endpoints changes by itself, outside of tables. An endpoint that stays keeps its connections and its place in the
 * rotation; one that goes gets no new request and closes its connections when its last request is done.
 */
export class ServiceHandle {
  /** "namespace/name" */
  readonly name: string;
  readonly #settings: PoolSettings;
  readonly #context: PoolContext;
  #set: EndpointSet | undefined;
  #endpoints: readonly LiveEndpoint[] = [];

  constructor(name: string, settings: PoolSettings, context: PoolContext) {
    this.name = name;
    this.#settings = settings;
    this.#context = context;
  }

  get endpoints(): readonly LiveEndpoint[] {
    return this.#endpoints;
  }

  /** Version of the endpoint set, 0 without one. */
  get endpointsVersion(): number {
    return this.#set?.version ?? 0;
  }

  /** Connections to all endpoints, and requests that wait for one. */
  get load(): { open: number; waiting: number } {
    let open = 0;
    let waiting = 0;
    for (const { pool } of this.#endpoints) {
      open += pool.connections;
      waiting += pool.waiting;
    }
    return { open, waiting };
  }

  /** Takes the complete set; undefined empties it. The same object again costs nothing. */
  setEndpoints(set: EndpointSet | undefined): void {
    if (set === this.#set) return;
    this.#set = set;
    const leaving = new Map(this.#endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#endpoints = (set?.entries ?? []).map((entry) => {
      const { id, address, port, weight, serverName } = entry;
      const before = leaving.get(id);
      leaving.delete(id);
      const pool =
        before?.pool ??
        new EndpointPool(
          { address, port, name: address, serverName: serverName === '' ? undefined : serverName },
          this.#settings,
          this.#context,
        );
      return { id, address, port, weight, current: before?.current ?? 0, pool };
    });
    for (const endpoint of leaving.values()) endpoint.pool.close();
  }

  /** The endpoint for the next request; undefined when there is none with a weight. */
  pick(): LiveEndpoint | undefined {
    return nextInRotation(this.#endpoints);
  }

  /** For a Service that no table holds any more. */
  close(): void {
    for (const endpoint of this.#endpoints) endpoint.pool.close();
    this.#endpoints = [];
  }
}
