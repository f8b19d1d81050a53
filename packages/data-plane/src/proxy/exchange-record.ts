/** What is known of an exchange when it is over: the source of its log line and of its metrics. */

import type { PluginFailureCause } from '@causeway/filters/plugin/plugin';
import type { CacheResult } from '@causeway/filters/filter';
import type { LoginEvent } from '@causeway/filters/oidc/login-services';

import type { AffinityOutcome } from '../upstream/balancing/choice-request.ts';
import type { BreakerState } from '../upstream/circuit-breaker.ts';
import type { ShownStreamKind } from '../streams/live-stream.ts';
import type { StreamOutcome } from '../streams/stream-end.ts';
import type { Reason } from './reasons.ts';

export interface ExchangeRecord {
  readonly requestId: string;
  readonly method: string;
  readonly startedWallMs: number;
  /** Monotonic. */
  readonly startedMs: number;
  readonly revision: number;
  readonly isLogged: boolean;
  /** `HTTP/1.1`; undefined for what was no request. */
  readonly protocol: string | undefined;
  /** As the client sent it, without the question mark. */
  query: string | undefined;
  /** Values of these headers of the request, when it had them. */
  referer: string | undefined;
  readonly userAgent: string | undefined;
  /** Address of the client, behind trusted proxies too. */
  client: string;
  host: string;
  /** Canonical, without the query; undefined for a request that never came so far. */
  path: string | undefined;
  /** "namespace/name" */
  route: string | undefined;
  /** The path as the Route spells it. */
  routePath: string | undefined;
  /** "namespace/name" */
  service: string | undefined;
  /** Of several tries the one whose answer was passed on, else the last. */
  endpoint: string | undefined;
  /** Who called, where a filter found out. */
  consumer: string | undefined;
  /** What the cache of its Route has done for it. */
  cache: CacheResult | undefined;
  /** Refusals that filters in shadow would have made: `name:reason`, separated by commas. */
  shadow: string | undefined;
  /** How often the request was sent, or was to be. */
  tries: number;
  /** Where its session is kept somewhere: whether it was found there. */
  affinity: AffinityOutcome | undefined;
  /** What the client was told, 499 when it was told nothing. */
  status: number;
  /** How a call by gRPC ended, where that is known. */
  grpcStatus: number | undefined;
  /** Undefined for an answer of the upstream that was passed on whole. */
  reason: Reason | undefined;
  /** What it has become, if it lasts. */
  stream: ShownStreamKind | undefined;
  /** Of a WebSocket: the code it was closed with, of whoever did so first; 1005 = a close frame without one. */
  closeCode: number | undefined;
  /** How a stream has ended, where its node knows more than that its peers did. */
  ended: StreamOutcome | undefined;
  durationMs: number;
  /** From the first attempt to the end of the upstream's part; undefined when no upstream was asked. */
  upstreamMs: number | undefined;
  bytesIn: number;
  bytesOut: number;
}

/**
 * What became of a retry. `success`: it brought an answer that needed no other. `failure`: it did not. The others were not made, for the budget of
 * the Service, for its limits, or for its open circuit breaker.
 */
export type RetryResult = 'success' | 'failure' | 'overBudget' | 'overLimit' | 'circuitOpen';

/**
 * What became of a copy. `success`: it was answered, with less than 500. `tooLarge`: its body was. `overLimit`: too many are under way. `abandoned`:
 * its request came to nothing.
 */
export type MirrorResult = 'success' | 'failure' | 'tooLarge' | 'overLimit' | 'abandoned';

/** Told of every exchange. */
export interface ExchangeObserver {
  onExchangeStart(): void;
  onUpstreamStart(service: string): void;
  onUpstreamOver(service: string): void;
  onMirrored(service: string, result: MirrorResult): void;
  onRetry(service: string, result: RetryResult): void;
  /** The circuit breaker of a Service has changed, by something that happened here. */
  /** Something has become of a login; `provider`: "namespace/name" of the AuthProvider. */
  onLogin(provider: string, event: LoginEvent): void;
  onBreaker(service: string, to: BreakerState): void;
  /** A filter of this kind threw. */
  onFilterError(kind: string): void;
  /** A hook of a plugin failed, or was slow; whatever became of the exchange. */
  onPluginFailure(plugin: string, hook: string, cause: PluginFailureCause): void;
  /** It refused a request; in shadow, it would have. */
  onFilterRefusal(kind: string, reason: Reason, isShadow: boolean): void;
  /** Its request has become a WebSocket, and is over as such; the record goes on to change. */
  onUpgraded(record: ExchangeRecord): void;
  /** A WebSocket is over. The record is not changed any more. */
  onWebSocketOver(record: ExchangeRecord): void;
  /** The record is not changed any more. */
  onExchangeOver(record: ExchangeRecord): void;
}
