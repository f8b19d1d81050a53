/** A Service as tables hold it: its endpoints, whose turn it is, and the connections to each. Survives swaps of tables. */

import { isIP } from 'node:net';
import type { Endpoint, EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { EndpointOwnWord, endpointKey } from '../counts/endpoint-record.ts';
import { ServiceOwnWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { EndpointPool, type PoolContext, type PoolSettings, type UpstreamProtocol } from './endpoint-pool.ts';
import { NamedAddresses } from './named-addresses.ts';
import { HeldRecord } from './held-record.ts';
import { nextInRotation, type Weighted } from './smooth-round-robin.ts';
import { isFailure, type TryOutcome } from './try-outcome.ts';

/** One endpoint of a Service on this node. */
export interface LiveEndpoint extends Weighted {
  /** Stable: the same over every change of its set. Of a host name each address is an endpoint: `id/address`. */
  readonly id: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly pool: EndpointPool;
  /** What all workers know of it; stays over changes of the set. */
  readonly held: HeldRecord;
}

/**
 * The set of endpoints changes by itself, outside of tables, and so do the addresses of names in it. An endpoint that stays keeps its
 * connections and its place in the rotation; one that goes gets no new request and closes its connections when its last
 * request is done.
 */
export class ServiceHandle {
  /** "namespace/name" */
  readonly name: string;
  readonly #settings: PoolSettings;
  readonly #context: PoolContext;
  readonly #named: NamedAddresses;
  readonly #held: HeldRecord;
  #set: EndpointSet | undefined;
  #endpoints: readonly LiveEndpoint[] = [];

  constructor(name: string, settings: PoolSettings, context: PoolContext) {
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.#held = new HeldRecord(context.shared.serviceRecords.open(name));
    this.#named = new NamedAddresses(context.resolver, {
      onChange: () => this.#rebuild(),
      onUnknown: (endpoint) =>
        context.failures.note({
          service: name,
          endpoint,
          reason: 'no_healthy_endpoint',
          detail: 'the name has no address',
        }),
    });
  }

  /** How its endpoints are spoken to. */
  get protocol(): UpstreamProtocol {
    return this.#settings.protocol;
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
    const addresses = (set?.entries ?? []).map(({ address }) => address);
    this.#named.setNames(new Set(addresses.filter((address) => isIP(address) === 0)));
    this.#rebuild();
  }

  /** Resolves when the addresses of all names are known, or known not to be there. */
  resolved(): Promise<void> {
    return this.#named.known();
  }

  /** The endpoint for the next request; undefined when there is none with a weight. */
  pick(): LiveEndpoint | undefined {
    return nextInRotation(this.#endpoints);
  }

  /** What all workers know of it. */
  get record(): SharedRecord {
    return this.#held.record;
  }

  /** Counts a try on one of its endpoints; `finish` follows, with the same endpoint. */
  begin({ held }: LiveEndpoint, isRetry = false): void {
    held.begin();
    this.#held.begin();
    held.record.addOwn(EndpointOwnWord.active, 1);
    held.record.addOwn(EndpointOwnWord.requests, 1);
    this.record.addOwn(ServiceOwnWord.active, 1);
    if (isRetry) this.record.addOwn(ServiceOwnWord.retries, 1);
  }

  /** A try is over; `isRetry` as for `begin`. `_headMs`: from sending to the head of the answer, where there was one. */
  finish({ held }: LiveEndpoint, outcome: TryOutcome, _headMs: number | undefined, isRetry = false): void {
    held.record.addOwn(EndpointOwnWord.active, -1);
    if (isFailure(outcome)) held.record.addOwn(EndpointOwnWord.failures, 1);
    this.record.addOwn(ServiceOwnWord.active, -1);
    if (isRetry) this.record.addOwn(ServiceOwnWord.retries, -1);
    held.finish();
    this.#held.finish();
  }

  /** For a Service that no table holds any more. */
  close(): void {
    this.setEndpoints(undefined);
    this.#held.close();
  }

  #rebuild(): void {
    const entries = this.#set?.entries ?? [];
    const located = entries.flatMap((entry) => this.#locate(entry));
    // Names that are new take a moment: until then what was there is better than nothing.
    if (located.length === 0 && entries.length > 0 && !this.#named.areKnown) return;
    const leaving = new Map(this.#endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#endpoints = located.map(({ id, address, entry }) => {
      const { port, weight } = entry;
      const before = leaving.get(id);
      leaving.delete(id);
      const pool = before?.pool ?? this.#openPool(address, entry);
      const held =
        before?.held ?? new HeldRecord(this.#context.shared.endpointRecords.open(endpointKey(this.name, id)));
      return { id, address, port, weight, current: before?.current ?? 0, pool, held };
    });
    for (const { pool, held } of leaving.values()) {
      pool.close();
      held.close();
    }
  }

  #locate(entry: Endpoint): { id: string; address: string; entry: Endpoint }[] {
    const { id, address } = entry;
    if (isIP(address) !== 0) return [{ id, address, entry }];
    return this.#named.of(address).map((found) => ({ id: `${id}/${found}`, address: found, entry }));
  }

  #openPool(address: string, { address: name, port, serverName }: Endpoint): EndpointPool {
    const target = { address, port, name, serverName: serverName === '' ? undefined : serverName };
    return new EndpointPool(this.name, target, this.#settings, this.#context);
  }
}
