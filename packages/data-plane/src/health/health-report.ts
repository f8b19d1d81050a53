/** What the control plane is told of endpoints: what has changed, and to a new stream all that is known. */

import { create } from '@bufbuild/protobuf';
import {
  type EndpointHealth,
  EndpointHealthSchema,
  HealthState,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';

import type { EndpointState } from '../counts/endpoint-record.ts';

export interface KnownHealth {
  /** `degraded`: some addresses of a host name are unfit. */
  readonly state: EndpointState | 'degraded';
  /** Why it, or part of it, is unhealthy or ejected; else empty. */
  readonly detail: string;
  /** On the scale of wall time. */
  readonly sinceMs: number;
}

/** What is told at a time. */
export interface HealthNews {
  /** The first on a stream: what was told before is void. */
  readonly endpointHealthStarts: boolean;
  readonly endpointHealth: EndpointHealth[];
}

const stateNumbers: Readonly<Record<KnownHealth['state'], HealthState>> = {
  unknown: HealthState.UNKNOWN,
  healthy: HealthState.HEALTHY,
  unhealthy: HealthState.UNHEALTHY,
  ejected: HealthState.EJECTED,
  degraded: HealthState.DEGRADED,
};

/** Endpoints told of in one message. */
export const newsMax = 1000;

export class HealthReport {
  /** All that are not unknown, by Service and id. */
  readonly #known = new Map<string, EndpointHealth>();
  /** To be told; empty while nobody listens. */
  readonly #untold = new Map<string, EndpointHealth>();
  #isOpen = false;
  #isFirst = false;

  /** There is a new stream. */
  begin(): void {
    this.#isOpen = true;
    this.#isFirst = true;
    this.#untold.clear();
    for (const [key, health] of this.#known) this.#untold.set(key, health);
  }

  /** The stream is over. */
  end(): void {
    this.#isOpen = false;
    this.#untold.clear();
  }

  /** What is known of an endpoint now; of one that has gone, `unknown`. */
  note(service: string, endpoint: string, { state, detail, sinceMs }: KnownHealth): void {
    const key = `${service}\n${endpoint}`;
    const isUnknown = state === 'unknown';
    if (isUnknown && !this.#known.has(key)) return;
    const health = create(EndpointHealthSchema, {
      service,
      endpoint,
      state: stateNumbers[state],
      detail,
      sinceMs,
    });
    if (isUnknown) this.#known.delete(key);
    else this.#known.set(key, health);
    if (this.#isOpen) this.#untold.set(key, health);
  }

  /** Takes what is to be told next; undefined when there is nothing. */
  take(): HealthNews | undefined {
    if (!this.#isFirst && this.#untold.size === 0) return undefined;
    const endpointHealth: EndpointHealth[] = [];
    for (const [key, health] of this.#untold) {
      if (endpointHealth.length === newsMax) break;
      endpointHealth.push(health);
      this.#untold.delete(key);
    }
    const endpointHealthStarts = this.#isFirst;
    this.#isFirst = false;
    return { endpointHealthStarts, endpointHealth };
  }
}
