// What the gateway says of a request that it could not serve.

import type { RawResponse } from '../kit/raw-response.ts';

/** Status and reason of a problem. Throws for a body that is none. */
export function problemOf({ status, body }: RawResponse): [status: number, reason: unknown] {
  const problem: { reason?: unknown } = JSON.parse(body.toString());
  return [status, problem.reason];
}
