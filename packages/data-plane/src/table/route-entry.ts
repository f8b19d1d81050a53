/** A Route as the table holds it: what the router is given, and what happens to a request that it takes. */

import type { CompiledRoute } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { allowedEncodedCharacters, routeRules } from '@causeway/proto/route-rules';
import { encodedMask } from '@causeway/router/canonical-path';
import type { Rule } from '@causeway/router/rule';

import { type ExchangeTimeouts, noTimeouts } from '../proxy/exchange-deadlines.ts';
import type { RetryPolicy } from '../proxy/retry-policy.ts';
import type { BuildFilter } from './build-filters.ts';
import { BackendChoice, type RouteBackend } from './backend-choice.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { readAffinity } from './read-balancing.ts';
import { readRetry } from './read-resilience.ts';
import { readStreams, type StreamSettings } from './read-streams.ts';
import { RouteFilters } from './route-filters.ts';

/** Milliseconds; 0 = off. */
export interface RouteTimeouts {
  readonly requestMs: number;
  /** Of one try. */
  readonly backendRequestMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
  readonly streamIdleMs: number;
}

/** What the router carries for each match, made once so that the request path need not. */
export interface MatchedRoute {
  readonly route: RouteEntry;
  /** The path as the Route spells it, for metrics. */
  readonly path: string;
}

/** Lives as long as the Route does not change, over any number of tables; its rotation of backends goes on meanwhile. */
export class RouteEntry {
  /** "namespace/name" */
  readonly name: string;
  /** Names of listeners; empty = all of the Gateway's. */
  readonly listeners: readonly string[];
  readonly timeouts: RouteTimeouts;
  /** Bytes, 0 = unlimited; undefined = the Gateway's limit. */
  readonly bodyBytesMax: number | undefined;
  /** 0 = off. */
  readonly activeRequestsMax: number;
  readonly rules: readonly Rule<MatchedRoute>[];
  /** That it takes; empty = every one. */
  readonly methods: readonly string[];
  readonly backends: readonly RouteBackend[];
  readonly backendChoice: BackendChoice;
  readonly filters: RouteFilters;
  /** Undefined: a request is sent once. */
  readonly retry: RetryPolicy | undefined;
  readonly streams: StreamSettings;
  #gateway: GatewaySettings | undefined;
  #timeouts = noTimeouts;

  /** Throws UnknownChoice for a Route that this version cannot run. */
  constructor(route: CompiledRoute, build: BuildFilter) {
    if (route.timeouts === undefined) throw new Error('timeouts are missing');
    this.name = route.name;
    this.listeners = route.listeners;
    const { requestMs, backendRequestMs, responseHeadMs, idleMs, streamIdleMs } = route.timeouts;
    this.timeouts = { requestMs, backendRequestMs, responseHeadMs, idleMs, streamIdleMs };
    this.retry = readRetry(route.retry);
    this.streams = readStreams(route);
    this.bodyBytesMax = route.bodyBytesMax === undefined ? undefined : Number(route.bodyBytesMax);
    this.activeRequestsMax = route.activeRequestsMax;
    const allowEncoded = encodedMask(allowedEncodedCharacters(route));
    this.rules = routeRules(route).map((rule) => {
      const [path] = Object.values<string>(rule.path);
      return { ...rule, allowEncoded, value: { route: this, path: path ?? '' } };
    });
    const takesAll = this.rules.some(({ methods }) => methods.length === 0);
    this.methods = takesAll ? [] : [...new Set(this.rules.flatMap(({ methods }) => methods))];
    this.filters = new RouteFilters(route.filters, build);
    this.backends = route.backends.map(({ service, weight }) => ({ service, weight }));
    this.backendChoice = new BackendChoice(this.name, this.backends, readAffinity(route.affinity));
  }

  /** The time limits of an exchange on this Route, made once for each Gateway's settings. */
  exchangeTimeouts(gateway: GatewaySettings): ExchangeTimeouts {
    if (this.#gateway !== gateway) {
      this.#gateway = gateway;
      const { requestBodyIdleMs } = gateway.timeouts;
      this.#timeouts = { ...this.timeouts, requestBodyIdleMs, bytesPerSecondMin: gateway.bytesPerSecondMin };
    }
    return this.#timeouts;
  }

  isOn(listenerName: string): boolean {
    return this.listeners.length === 0 || this.listeners.includes(listenerName);
  }
}
