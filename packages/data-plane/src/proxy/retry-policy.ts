/** What a Route says about trying again. Pure: the caller knows what happened. */

import type { RequestHead } from '@causeway/http1/request-head';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { UpstreamFailure } from './exchange.ts';

/** `timeout`: of a try, not of the whole exchange. */
export type RetriedError = 'connectFailure' | 'reset' | 'timeout';

export interface RetryPolicy {
  /** Tries after the first. */
  readonly attempts: number;
  readonly errors: ReadonlySet<RetriedError>;
  readonly statuses: ReadonlySet<number>;
  /** Numbers of codes of gRPC. */
  readonly grpcCodes: ReadonlySet<number>;
  readonly methods: ReadonlySet<string>;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** A body beyond it is not kept, so not sent again. */
  readonly bodyBytesMax: number;
}

/** Whether a request may be sent twice: its method says so, or its client, who knows how to tell the second from the first. */
export function isRepeatable({ methods }: RetryPolicy, head: RequestHead): boolean {
  return methods.has(head.method) || isKeyed(head);
}

/** draft-ietf-httpapi-idempotency-key-header; of the methods that would not be repeated without. */
function isKeyed(head: RequestHead): boolean {
  if (head.method !== 'POST' && head.method !== 'PATCH') return false;
  return (head.valueOf('idempotency-key') ?? '') !== '';
}

export function retriesFailure({ errors }: RetryPolicy, { reason }: UpstreamFailure): boolean {
  if (reason === 'upstream_connect_failed') return errors.has('connectFailure');
  return reason === 'upstream_reset' && errors.has('reset');
}

/** A code of gRPC is looked for in the head alone: in the trailers of an answer it comes when the client has the rest. */
export function retriesAnswer({ statuses, grpcCodes }: RetryPolicy, head: ResponseHead): boolean {
  if (statuses.has(head.status)) return true;
  if (grpcCodes.size === 0) return false;
  const code = head.valueOf('grpc-status');
  return code !== undefined && /^\d{1,2}$/.test(code) && grpcCodes.has(Number(code));
}
