/** A Service as tables hold it: its endpoints, whose turn it is, and the connections to each. Survives swaps of tables. */

import type { Endpoint, EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { EndpointOwnWord, endpointKey } from '../counts/endpoint-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import type { BalancingSettings } from './balancing/balancing-settings.ts';
import type { ChoiceRequest } from './balancing/choice-request.ts';
import { EndpointChoice } from './balancing/endpoint-choice.ts';
import { EndpointPool, type PoolContext, type PoolSettings, type UpstreamProtocol } from './endpoint-pool.ts';
import { HeldRecord } from './held-record.ts';
import { LiveEndpoint } from './live-endpoint.ts';
import { type LocatedEndpoint, LocatedEndpoints, socketTargetOf } from './located-endpoints.ts';
import { PassiveChecks, type PassiveSettings } from './passive-checks.ts';
import { type GateSettings, ServiceGate, type Ticket } from './service-gate.ts';
import { isFailure, type TryOutcome } from './try-outcome.ts';

/** How requests are spread over the endpoints of a Service, and carried to them. */
export interface ServiceSettings extends PoolSettings, GateSettings {
  readonly balancing: BalancingSettings;
  /** Undefined = requests say nothing about endpoints. */
  readonly passive?: PassiveSettings | undefined;
  /** 0 = off. */
  readonly grpcMessageBytesMax?: number;
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
  readonly #choice: EndpointChoice<LiveEndpoint>;
  readonly #passive: PassiveChecks | undefined;
  #endpoints: readonly LiveEndpoint[] = [];

  constructor(name: string, settings: ServiceSettings, context: PoolContext) {
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.#held = new HeldRecord(context.shared.serviceRecords.open(name));
    this.gate = new ServiceGate(this.#held, settings, (to) => context.onBreaker(name, to));
    this.#passive = settings.passive && new PassiveChecks(settings.passive, this.record);
    this.#choice = new EndpointChoice(settings.balancing, {
      name,
      record: this.record,
      keys: context.affinityKeys,
      zone: context.zone,
      random: context.random,
      nowMs: () => context.wheel.coarseMs(),
    });
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

  /** Of one message of gRPC; 0 = unlimited, or not known to be one. */
  get grpcMessageBytesMax(): number {
    return this.#settings.grpcMessageBytesMax ?? 0;
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

  /** Whether its set has an endpoint of this id. */
  hasEntry(id: string): boolean {
    return this.#located.hasEntry(id);
  }

  /** Takes the complete set; undefined empties it. The same object again costs nothing. */
  setEndpoints(set: EndpointSet | undefined): void {
    this.#located.set(set);
  }

  /** Resolves when the addresses of all names are known, or known not to be there, and all is ready to choose among them. */
  async resolved(): Promise<void> {
    await this.#located.resolved();
    await this.#choice.ready();
  }

  /** Whether `pick` wants to see the request. */
  get looksAtRequest(): boolean {
    return this.#choice.looksAtRequest;
  }

  /**
   * The endpoint for a request, or for another try of it when some were `tried`; undefined when there is none that may have it. Without
   * `request` it is as if it had nothing that one looks at.
   */
  pick(request?: ChoiceRequest, tried?: readonly LiveEndpoint[]): LiveEndpoint | undefined {
    return this.#choice.pick(request, tried);
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
  finish(endpoint: LiveEndpoint, outcome: TryOutcome, headMs: number | undefined, ticket: Ticket): void {
    const { held } = endpoint;
    this.#choice.observe(endpoint, outcome, headMs);
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
      const before = leaving.get(each.id);
      leaving.delete(each.id);
      if (before === undefined) return this.#open(each);
      before.terms = termsOf(each.entry);
      return before;
    });
    this.#choice.setEndpoints(this.#endpoints);
    this.#passive?.setEndpoints(this.#endpoints.filter(({ weight }) => weight > 0).length);
    for (const { pool, held } of leaving.values()) {
      pool.close();
      held.close();
    }
  }

  #open(located: LocatedEndpoint): LiveEndpoint {
    const { id, address, entry } = located;
    const pool = new EndpointPool(this.name, socketTargetOf(located), this.#settings, this.#context);
    const held = new HeldRecord(this.#context.shared.endpointRecords.open(endpointKey(this.name, id)));
    return new LiveEndpoint({ id, address, port: entry.port, service: this }, pool, held, termsOf(entry));
  }
}

function termsOf({ weight, priority, zone }: Endpoint) {
  return { weight, priority, zone: zone === '' ? undefined : zone };
}
