/** A Service as tables hold it: its endpoints, whose turn it is, and the connections to each. Survives swaps of tables. */

import type { EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { EndpointOwnWord, endpointKey } from '../counts/endpoint-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { EndpointPool, type PoolContext, type PoolSettings, type UpstreamProtocol } from './endpoint-pool.ts';
import { HeldRecord } from './held-record.ts';
import { type LocatedEndpoint, LocatedEndpoints, socketTargetOf } from './located-endpoints.ts';
import { PassiveChecks, type PassiveSettings } from './passive-checks.ts';
import { ServiceGate, type GateSettings, type Ticket } from './service-gate.ts';
import { nextInRotation, type Weighted } from './smooth-round-robin.ts';
import { isFailure, type TryOutcome } from './try-outcome.ts';

/** How requests are spread over the endpoints of a Service, and carried to them. */
export interface ServiceSettings extends PoolSettings, GateSettings {
  /** Undefined = requests say nothing about endpoints. */
  readonly passive?: PassiveSettings | undefined;
}

/** One endpoint of a Service on this node. */
export interface LiveEndpoint extends Weighted {
  /** See `LocatedEndpoint`. */
  readonly id: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly pool: EndpointPool;
  /** What all workers know of it; stays over changes of the set. */
  readonly held: HeldRecord;
  /** The one that it belongs to. */
  readonly service: ServiceHandle;
}

/**
 * The set of endpoints changes by itself, outside of tables, and so do the addresses of names in it. An endpoint that stays keeps its
 * connections and its place in the rotation; one that goes gets no new request and closes its connections when its last
 * request is done.
 */
export class ServiceHandle {
  /** "namespace/name" */
  readonly name: string;
  /** Asked for leave before a try. */
  readonly gate: ServiceGate;
  readonly #settings: ServiceSettings;
  readonly #context: PoolContext;
  readonly #located: LocatedEndpoints;
  readonly #held: HeldRecord;
  readonly #passive: PassiveChecks | undefined;
  #endpoints: readonly LiveEndpoint[] = [];

  constructor(name: string, settings: ServiceSettings, context: PoolContext) {
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.#held = new HeldRecord(context.shared.serviceRecords.open(name));
    this.gate = new ServiceGate(this.#held, settings, (to) => context.onBreaker(name, to));
    this.#passive = settings.passive && new PassiveChecks(settings.passive, this.record);
    this.#located = new LocatedEndpoints(context.resolver, {
      onChange: (located) => this.#rebuild(located),
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
    return this.#located.version;
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
    this.#located.set(set);
  }

  /** Resolves when the addresses of all names are known, or known not to be there. */
  resolved(): Promise<void> {
    return this.#located.resolved();
  }

  /** The endpoint for the next request; undefined when there is none with a weight. */
  pick(): LiveEndpoint | undefined {
    return nextInRotation(this.#endpoints);
  }

  /** What all workers know of it. */
  get record(): SharedRecord {
    return this.#held.record;
  }

  /** Counts a try on one of its endpoints, made by leave of its gate; `finish` follows, with the same endpoint. */
  begin({ held }: LiveEndpoint): void {
    held.begin();
    held.record.addOwn(EndpointOwnWord.active, 1);
    held.record.addOwn(EndpointOwnWord.requests, 1);
  }

  /** A try is over, and gives its ticket back. `headMs`: from sending to the head of the answer, where there was one. */
  finish({ held }: LiveEndpoint, outcome: TryOutcome, headMs: number | undefined, ticket: Ticket): void {
    held.record.addOwn(EndpointOwnWord.active, -1);
    if (isFailure(outcome)) held.record.addOwn(EndpointOwnWord.failures, 1);
    this.#passive?.note(held.record, outcome);
    held.finish();
    this.gate.judgeEnd(ticket, outcome, headMs !== undefined);
    this.gate.leave(ticket);
  }

  /** For a Service that no table holds any more. */
  close(): void {
    this.setEndpoints(undefined);
    this.#held.close();
  }

  #rebuild(located: readonly LocatedEndpoint[]): void {
    const leaving = new Map(this.#endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#endpoints = located.map((each) => {
      const { id, address, entry } = each;
      const { port, weight } = entry;
      const before = leaving.get(id);
      leaving.delete(id);
      const pool = before?.pool ?? this.#openPool(each);
      const held =
        before?.held ?? new HeldRecord(this.#context.shared.endpointRecords.open(endpointKey(this.name, id)));
      return { id, address, port, weight, current: before?.current ?? 0, pool, held, service: this };
    });
    this.#passive?.setEndpoints(this.#endpoints.filter(({ weight }) => weight > 0).length);
    for (const { pool, held } of leaving.values()) {
      pool.close();
      held.close();
    }
  }

  #openPool(located: LocatedEndpoint): EndpointPool {
    return new EndpointPool(this.name, socketTargetOf(located), this.#settings, this.#context);
  }
}
