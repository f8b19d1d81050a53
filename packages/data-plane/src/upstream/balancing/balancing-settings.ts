/** What a Service says about who gets its requests. */

import type { RequestSource } from '@causeway/filters/request-source';

export type BalancingPolicy =
  | 'roundRobin'
  | 'random'
  | 'leastRequest'
  | 'peakEwma'
  | 'consistentHash'
  | 'first';

export interface BalancingSettings {
  readonly policy: BalancingPolicy;
  /** For `consistentHash`. */
  readonly hash: RequestSource | undefined;
  /** For `consistentHash`: the most that an endpoint has in flight, of the mean; 0 = off. */
  readonly boundedLoadPercent: number;
  /** 0 = off. */
  readonly slowStartMs: number;
  /** Endpoints of the node's own zone go before others, while `spillPercent` of them are healthy. */
  readonly prefersZone: boolean;
  readonly spillPercent: number;
  /** With fewer healthy ones, health is ignored; 0 = never. */
  readonly panicPercent: number;
  readonly affinity: AffinitySettings | undefined;
}

/** Sessions stay where they are by a cookie of the gateway's, or by something that the request has anyway. */
export type AffinitySettings =
  | { readonly cookie: AffinityCookie; readonly by?: undefined }
  | { readonly by: RequestSource; readonly cookie?: undefined };

export interface AffinityCookie {
  readonly name: string;
  /** 0 = until the client is closed. */
  readonly ttlSeconds: number;
  readonly path: string;
  readonly sameSite: 'Lax' | 'Strict' | 'None';
  /** Undefined = the host that was asked. */
  readonly domain: string | undefined;
}

/** As of a Service that says nothing. */
export const plainBalancing: BalancingSettings = {
  policy: 'roundRobin',
  hash: undefined,
  boundedLoadPercent: 0,
  slowStartMs: 0,
  prefersZone: false,
  spillPercent: 70,
  panicPercent: 0,
  affinity: undefined,
};
