/** Assertions: a failure is our bug, never a user's mistake (a problem) nor a bad day (a GatewayError). */

let failures = 0;

/** Thrown by `assert` alone. Caught only at the request, apply and command boundary, which logs its stack. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/**
 * Promises the code after it that `condition` holds.
 * @throws AssertionFailure, after counting it for `assertionFailures`.
 */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) failAssertion(claim);
}

/** For the branch that cannot be: `default: return unreachable(kind)`. Counts and throws as `assert` does. */
export function unreachable(value: never): never {
  failAssertion(`unreachable value ${JSON.stringify(value)}`);
}

/** How many assertions failed in this process (each worker thread counts its own). Above 0 is a bug. */
export function assertionFailures(): number {
  return failures;
}

function failAssertion(claim: string): never {
  failures += 1;
  throw new AssertionFailure(`assertion failed: ${claim}`);
}
