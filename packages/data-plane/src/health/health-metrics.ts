/** What a node counts of the health of its endpoints: by Service, never by endpoint. */

import { MetricRegistry } from '@causeway/runtime/metrics';

import type { EndpointState } from '../counts/endpoint-record.ts';
import type { EjectionReasonName } from './ejection-keeper.ts';

const states: readonly EndpointState[] = ['unknown', 'healthy', 'unhealthy', 'ejected'];
const results = ['success', 'failure'] as const;
const reasons: readonly EjectionReasonName[] = ['connect_failures', 'consecutive_5xx', 'success_rate'];
/** Services with series of their own. */
const servicesMax = 1000;

/** What gauges show; read at each scrape. */
export interface ServiceHealth {
  readonly name: string;
  readonly endpoints: readonly { readonly health: { readonly state: EndpointState } }[];
}

export class HealthMetrics {
  readonly registry = new MetricRegistry();
  readonly #checks = this.registry.counter({
    name: 'causeway_health_checks_total',
    help: 'Active checks of endpoints, by their result: success or failure.',
    labelNames: ['service', 'result'],
    labelSetsMax: results.length * servicesMax,
  });
  readonly #ejections = this.registry.counter({
    name: 'causeway_endpoint_ejections_total',
    help: 'Endpoints that were ejected by passive checks.',
    labelNames: ['service', 'reason'],
    labelSetsMax: reasons.length * servicesMax,
  });
  readonly #endpoints = this.registry.gauge({
    name: 'causeway_service_endpoints',
    help: 'Endpoints by their state: unknown, healthy, unhealthy or ejected.',
    labelNames: ['service', 'state'],
    labelSetsMax: states.length * servicesMax,
  });
  #shown = new Set<string>();

  constructor(services: () => Iterable<ServiceHealth>) {
    this.registry.onCollect(() => this.#refresh(services()));
  }

  onChecked(service: string, isGood: boolean): void {
    this.#checks.cell({ service, result: isGood ? 'success' : 'failure' }).add(1);
  }

  onEjected(service: string, reason: EjectionReasonName): void {
    this.#ejections.cell({ service, reason }).add(1);
  }

  /** Nobody watches it any more. */
  forget(service: string): void {
    for (const result of results) this.#checks.remove({ service, result });
    for (const reason of reasons) this.#ejections.remove({ service, reason });
  }

  #refresh(services: Iterable<ServiceHealth>): void {
    const shown = this.#shown;
    this.#shown = new Set();
    for (const { name, endpoints } of services) {
      shown.delete(name);
      // Those beyond share series, which cannot be set by each of them.
      if (this.#shown.size === servicesMax) break;
      this.#shown.add(name);
      const counts: Record<EndpointState, number> = { unknown: 0, healthy: 0, unhealthy: 0, ejected: 0 };
      for (const { health } of endpoints) counts[health.state] += 1;
      for (const state of states) this.#endpoints.cell({ service: name, state }).set(counts[state]);
    }
    for (const service of shown) for (const state of states) this.#endpoints.remove({ service, state });
  }
}
