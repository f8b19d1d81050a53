import { type EndpointHealth, HealthState } from '@causeway/proto/gen/causeway/config/v1/config_pb';

/** Findings of one node that are remembered: more than it can have endpoints, unless it makes them up. */
const findingsMax = 50_000;

/** What one node finds about endpoints, as far as it has found anything. Not configuration: it is told anew by each stream. */
export class NodeHealth {
  /** By Service and id of the endpoint; a host name is found at several addresses. */
  readonly #findings = new Map<string, Map<string, EndpointHealth>>();
  #size = 0;

  /** `isAll`: nothing of before counts. */
  tell(told: readonly EndpointHealth[], isAll: boolean): void {
    if (isAll) this.clear();
    for (const finding of told) this.#put(finding);
  }

  clear(): void {
    this.#findings.clear();
    this.#size = 0;
  }

  /** `service`: "namespace/name"; one finding, or one for each address of a host name. */
  of(service: string, endpointId: string): readonly EndpointHealth[] {
    return [...(this.#findings.get(keyOf(service, endpointId))?.values() ?? [])];
  }

  #put(finding: EndpointHealth): void {
    const [id = ''] = finding.endpoint.split('/', 1);
    const key = keyOf(finding.service, id);
    const found = this.#findings.get(key) ?? new Map<string, EndpointHealth>();
    if (finding.state === HealthState.UNKNOWN) {
      if (found.delete(finding.endpoint)) this.#size -= 1;
      if (found.size === 0) this.#findings.delete(key);
      return;
    }
    if (!found.has(finding.endpoint)) {
      if (this.#size >= findingsMax) return;
      this.#size += 1;
    }
    this.#findings.set(key, found.set(finding.endpoint, finding));
  }
}

function keyOf(service: string, endpointId: string): string {
  return `${service}\n${endpointId}`;
}
