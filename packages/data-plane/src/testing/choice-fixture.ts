/** Endpoints to choose among, with the records that all workers share and time that stands still. */

import { EndpointHealth, EndpointOwnWord, EndpointWord, endpointKey } from '../counts/endpoint-record.ts';
import { createNodeShared, NodeShared } from '../counts/node-shared.ts';
import { ServiceOwnWord, ServiceWord } from '../counts/service-record.ts';
import type { SharedRecord } from '../counts/shared-records.ts';
import { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import { type BalancingSettings, plainBalancing } from '../upstream/balancing/balancing-settings.ts';
import type { ChoiceRequest } from '../upstream/balancing/choice-request.ts';
import type { ChoiceEndpoint } from '../upstream/balancing/current-selection.ts';
import { EndpointChoice } from '../upstream/balancing/endpoint-choice.ts';
import { Standing } from '../upstream/balancing/standing.ts';
import { countPicks, seededRandom } from './distribution.ts';

interface EndpointInit {
  readonly id: string;
  readonly weight?: number;
  readonly priority?: number;
  readonly zone?: string;
}

const service = 'default/s';

export class ChoiceFixture {
  readonly keys = new AffinityKeys();
  nowMs = 0;
  readonly choice: EndpointChoice<ChoiceEndpoint>;
  readonly #shared: NodeShared;
  readonly #otherWorker: NodeShared;
  readonly #record: SharedRecord;
  readonly #known = new Map<string, ChoiceEndpoint>();

  constructor(settings: Partial<BalancingSettings>, endpoints: readonly EndpointInit[], zone?: string) {
    const memory = createNodeShared(2);
    this.#shared = new NodeShared(memory, 0);
    this.#otherWorker = new NodeShared(memory, 1);
    this.#record = this.#shared.serviceRecords.open(service);
    this.choice = new EndpointChoice(
      { ...plainBalancing, ...settings },
      {
        name: service,
        record: this.#record,
        keys: this.keys,
        zone,
        random: seededRandom(1),
        nowMs: () => this.nowMs,
      },
    );
    this.set(endpoints);
  }

  /** The complete set; those that stay are the same. */
  set(endpoints: readonly EndpointInit[]): void {
    this.choice.setEndpoints(
      endpoints.map(({ id, weight = 1, priority = 0, zone }) => {
        const { record, standing } = this.#known.get(id) ?? this.#open(id);
        const endpoint = { id, weight, priority, zone, record, standing };
        this.#known.set(id, endpoint);
        return endpoint;
      }),
    );
  }

  /** As active checks find it. */
  setHealth(id: string, isHealthy: boolean): void {
    const health = isHealthy ? EndpointHealth.healthy : EndpointHealth.unhealthy;
    this.of(id).record.store(EndpointWord.health, health);
    this.#tellChange();
  }

  /** As passive checks do it. */
  eject(id: string): void {
    this.of(id).record.store(EndpointWord.ejected, 1);
    this.#tellChange();
  }

  /** Requests that another worker has in flight. */
  addActiveElsewhere(id: string, amount: number): void {
    const { endpointRecords, serviceRecords } = this.#otherWorker;
    endpointRecords.open(endpointKey(service, id)).addOwn(EndpointOwnWord.active, amount);
    serviceRecords.open(service).addOwn(ServiceOwnWord.active, amount);
  }

  of(id: string): ChoiceEndpoint {
    return this.#known.get(id)!;
  }

  /** For a request that is admitted, and over as soon as it knows where to go. */
  pick(request?: ChoiceRequest, tried: readonly string[] = []): string | undefined {
    this.#record.addOwn(ServiceOwnWord.active, 1);
    const picked = this.choice.pick(
      request,
      tried.map((id) => this.of(id)),
    );
    this.#record.addOwn(ServiceOwnWord.active, -1);
    return picked?.id;
  }

  /** How often each was picked. */
  count(picks: number, requestOf?: (count: number) => ChoiceRequest): Record<string, number> {
    return Object.fromEntries(countPicks(picks, (count) => this.pick(requestOf?.(count)) ?? 'none'));
  }

  #open(id: string): Pick<ChoiceEndpoint, 'record' | 'standing'> {
    return { record: this.#shared.endpointRecords.open(endpointKey(service, id)), standing: new Standing() };
  }

  #tellChange(): void {
    this.#otherWorker.serviceRecords.open(service).add(ServiceWord.epoch, 1);
  }
}
