/** What the snapshot says of retries, budgets and breakers, as the request path wants it. */

import type {
  CircuitBreaker,
  CompiledService,
  FailureRate as CompiledFailureRate,
  Retry,
  StatusRange,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import type { RetriedError, RetryPolicy } from '../proxy/retry-policy.ts';
import type { FailureRate } from '../upstream/circuit-breaker.ts';
import { defaultRetryBudget } from '../upstream/retry-budget.ts';
import { type BreakerSettings, type GateSettings, noBreaker } from '../upstream/service-gate.ts';

/** Undefined for a Route without retries. */
export function readRetry(retry: Retry | undefined): RetryPolicy | undefined {
  if (retry === undefined || retry.attempts === 0) return undefined;
  const { attempts, connectFailure, reset, timeout, backoffMs, maxBackoffMs } = retry;
  const errors = new Set<RetriedError>();
  if (connectFailure) errors.add('connectFailure');
  if (reset) errors.add('reset');
  if (timeout) errors.add('timeout');
  return {
    attempts,
    errors,
    statuses: readStatuses(retry.statuses),
    grpcCodes: new Set(retry.grpcCodes),
    methods: new Set(retry.methods),
    backoffMs,
    maxBackoffMs,
    bodyBytesMax: Number(retry.bodyBytesMax),
  };
}

/** Who may send requests to a Service. */
export function readGate({ retryBudget, circuitBreaker }: CompiledService): GateSettings {
  return {
    breaker: circuitBreaker === undefined ? noBreaker : readBreaker(circuitBreaker),
    retryBudget: retryBudget ?? defaultRetryBudget,
  };
}

function readBreaker({ requestsMax, retriesMax, failureRate }: CircuitBreaker): BreakerSettings {
  return { requestsMax, retriesMax, failureRate: failureRate && readFailureRate(failureRate) };
}

function readFailureRate(rate: CompiledFailureRate): FailureRate {
  const { percent, windowMs, minRequests, openForMs, probes, statuses } = rate;
  return { percent, windowMs, requestsMin: minRequests, openForMs, probes, statuses: readStatuses(statuses) };
}

function readStatuses(ranges: readonly StatusRange[]): ReadonlySet<number> {
  const statuses = new Set<number>();
  for (const { first, last } of ranges)
    for (let status = first; status <= last; status += 1) statuses.add(status);
  return statuses;
}
