import { type EndpointHealth, HealthState } from '@causeway/proto/gen/causeway/config/v1/config_pb';

/** Findings of one node that are remembered: more than it can have endpoints, unless it makes them up. */
const findingsMax = 50_000;

/** What one node finds about endpoints, as far as it has found anything. Not configuration: it is told anew by each stream. */
export class NodeHealth {
  /** By Service and id of the endpoint. */
  readonly #findings = new Map<string, EndpointHealth>();

  /** `isAll`: nothing of before counts. */
  tell(told: readonly EndpointHealth[], isAll: boolean): void {
    if (isAll) this.#findings.clear();
    for (const finding of told) {
      const key = keyOf(finding.service, finding.endpoint);
      if (finding.state === HealthState.UNKNOWN) this.#findings.delete(key);
      else if (this.#findings.has(key) || this.#findings.size < findingsMax) this.#findings.set(key, finding);
    }
  }

  /** `service`: "namespace/name"; undefined: it knows nothing. */
  of(service: string, endpointId: string): EndpointHealth | undefined {
    return this.#findings.get(keyOf(service, endpointId));
  }
}

function keyOf(service: string, endpointId: string): string {
  return `${service}\n${endpointId}`;
}
