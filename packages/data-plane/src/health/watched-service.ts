/** One Service as the supervisor watches it: its endpoints, their checks, and those that are ejected. */

import { isDeepStrictEqual } from 'node:util';
import type { EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { Clock } from '@causeway/runtime/clock';
import type { AddressResolver } from '@causeway/runtime/name-resolver';
import type { Turns } from '@causeway/runtime/turns';

import { endpointKey } from '../counts/endpoint-record.ts';
import type { NodeShared } from '../counts/node-shared.ts';
import { ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import type { OwnPorts } from '../upstream/address-guard.ts';
import { type LocatedEndpoint, LocatedEndpoints, socketTargetOf } from '../upstream/located-endpoints.ts';
import type { PassiveSettings } from '../upstream/passive-checks.ts';
import { CheckJudgement } from './check-judgement.ts';
import { CheckSchedule } from './check-schedule.ts';
import { EjectionKeeper, type EjectionReasonName, type Moment } from './ejection-keeper.ts';
import { healthOfName, healthWithoutAddress, nothingKnown } from './entry-health.ts';
import type { KnownHealth } from './health-report.ts';
import { type CheckedService, runCheck } from './run-check.ts';
import { WatchedEndpoint } from './watched-endpoint.ts';

export interface WatchSettings {
  /** Undefined = its endpoints are not asked. */
  readonly active: CheckedService | undefined;
  readonly passive: PassiveSettings | undefined;
}

/** What all Services of a node share. */
export interface WatchContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly shared: NodeShared;
  readonly resolver: AddressResolver;
  readonly ownPorts: OwnPorts;
  readonly turns: Turns;
  readonly events: WatchEvents;
}

/** `service`: "namespace/name" */
export interface WatchEvents {
  onChecked(service: string, isGood: boolean): void;
  /** Checks have changed its state. */
  onJudged(service: string, endpoint: WatchedEndpoint): void;
  /** The health of an endpoint of the set, or the reason of it, is another than before; of one that has gone it is unknown. */
  onChange(service: string, endpointId: string, health: KnownHealth): void;
  /** As `onChange`, which follows. */
  onEjected(service: string, endpoint: WatchedEndpoint, reason: EjectionReasonName, forMs: number): void;
  onReadmitted(service: string, endpoint: WatchedEndpoint): void;
}

export class WatchedService {
  /** "namespace/name" */
  readonly name: string;
  readonly #context: WatchContext;
  /** Of the Service. */
  readonly record: SharedRecord;
  readonly #located: LocatedEndpoints;
  readonly #ejections: EjectionKeeper;
  #settings: WatchSettings;
  #endpoints = new Map<string, WatchedEndpoint>();
  /** What was told of host names, by their ids in the set. */
  #names: ReadonlyMap<string, KnownHealth> = new Map();

  constructor(name: string, settings: WatchSettings, context: WatchContext) {
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.record = context.shared.serviceRecords.open(name);
    this.#ejections = new EjectionKeeper(this.record, {
      onEjected: (endpoint, reason, forMs) => {
        context.events.onEjected(name, endpoint, reason, forMs);
        this.#tell(endpoint);
      },
      onReadmitted: (endpoint) => {
        context.events.onReadmitted(name, endpoint);
        this.#tell(endpoint);
      },
    });
    this.#ejections.setSettings(settings.passive);
    this.#located = new LocatedEndpoints(context.resolver, {
      onChange: (located) => this.#follow(located),
      // Workers tell it.
      onUnknown: () => {},
    });
  }

  get endpoints(): readonly WatchedEndpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Other checks than before begin anew, and what is known stays until they say otherwise; the same object goes on. */
  setSettings(settings: WatchSettings): void {
    const isSame = settings.active === this.#settings.active;
    this.#settings = settings;
    this.#ejections.setSettings(settings.passive);
    if (isSame) return;
    for (const endpoint of this.#endpoints.values()) this.#startChecks(endpoint);
  }

  /** The same object again costs nothing. */
  setEndpoints(set: EndpointSet | undefined): void {
    this.#located.set(set);
  }

  look(now: Moment): void {
    this.#ejections.look(now);
  }

  /** It is in no table any more. */
  close(): void {
    this.#located.set(undefined);
    this.record.close();
  }

  #follow(located: readonly LocatedEndpoint[]): void {
    const before = this.#endpoints;
    this.#endpoints = new Map();
    const arriving: WatchedEndpoint[] = [];
    for (const each of located) {
      const endpoint = before.get(each.id) ?? this.#open(each);
      if (!before.delete(each.id)) arriving.push(endpoint);
      endpoint.located = each;
      this.#endpoints.set(each.id, endpoint);
    }
    for (const endpoint of before.values()) this.#letGo(endpoint);
    this.#ejections.setEndpoints(this.endpoints);
    for (const endpoint of arriving) this.#startChecks(endpoint);
    this.#tellNames();
  }

  #tell(endpoint: WatchedEndpoint): void {
    if (isOfAddress(endpoint)) this.#context.events.onChange(this.name, endpoint.id, endpoint.health);
    else this.#tellNames();
  }

  /** Of names all that there is to tell; what is no news costs nobody anything. */
  #tellNames(): void {
    const names = new Map<string, KnownHealth>();
    const addresses = Map.groupBy(this.#endpoints.values(), ({ located }) => located.entry.id);
    for (const [id, each] of addresses) if (!isOfAddress(each[0]!)) names.set(id, healthOfName(each));
    const before = this.#names;
    for (const id of this.#located.idsWithoutAddress)
      names.set(id, healthWithoutAddress(before.get(id), this.#context.clock.wallMs()));
    this.#names = names;
    for (const [id, health] of names)
      if (!isDeepStrictEqual(health, before.get(id))) this.#context.events.onChange(this.name, id, health);
    for (const id of before.keys())
      if (!names.has(id)) this.#context.events.onChange(this.name, id, nothingKnown);
  }

  #open(located: LocatedEndpoint): WatchedEndpoint {
    const record = this.#context.shared.endpointRecords.open(endpointKey(this.name, located.id));
    return new WatchedEndpoint(located, record, this.#context.clock.monotonicMs());
  }

  #letGo(endpoint: WatchedEndpoint): void {
    endpoint.schedule?.stop();
    endpoint.ejection = undefined;
    this.#ejections.letGo(endpoint);
    endpoint.setChecked('unknown', '', 0);
    if (isOfAddress(endpoint)) this.#context.events.onChange(this.name, endpoint.id, endpoint.health);
    endpoint.record.close();
  }

  #startChecks(endpoint: WatchedEndpoint): void {
    const { active } = this.#settings;
    endpoint.schedule?.stop();
    endpoint.schedule = undefined;
    if (active === undefined) return this.#learn(endpoint, 'unknown', '');
    const { clock, random, turns, ownPorts, events } = this.#context;
    const judgement = new CheckJudgement(active.check, endpoint.checked.state);
    endpoint.schedule = new CheckSchedule({
      clock,
      random,
      turns,
      intervalMs: active.check.intervalMs,
      run: () => runCheck(active, socketTargetOf(endpoint.located), { clock, ownPorts }),
      onResult: (result) => {
        if (result === undefined) return;
        events.onChecked(this.name, result.isGood);
        judgement.note(result.isGood);
        // One good result does not take away why it is unhealthy, nor does one failure say so.
        const detail = result.isGood ? endpoint.checked.detail : result.detail;
        this.#learn(endpoint, judgement.state, judgement.state === 'unhealthy' ? detail : '');
      },
    });
    endpoint.schedule.start();
  }

  #learn(endpoint: WatchedEndpoint, state: CheckJudgement['state'], detail: string): void {
    const { health, checked } = endpoint;
    const { clock, events } = this.#context;
    if (endpoint.setChecked(state, detail, clock.wallMs())) {
      this.record.add(ServiceWord.epoch, 1);
      events.onJudged(this.name, endpoint);
    }
    if (checked.state === 'unhealthy' && state === 'healthy') this.#ejections.onRecovered(endpoint);
    const now = endpoint.health;
    if (now.state !== health.state || now.detail !== health.detail) this.#tell(endpoint);
  }
}

/** Not one of the addresses of a host name. */
function isOfAddress({ id, located }: WatchedEndpoint): boolean {
  return id === located.entry.id;
}
