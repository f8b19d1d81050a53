/** Time that all threads of a process share. */

/**
 * Milliseconds since the process began, in 32 bits: fit for words of shared memory, and the same in every thread. It wraps around after
 * 24 days, so moments are compared by `elapsedMs` alone.
 */
export function sharedNowMs(): number {
  return (performance.now() + offsetMs) | 0;
}

/** Nanoseconds on the same scale, which never wraps around; exact to some of them. */
export function sharedNowNs(): number {
  return (performance.now() + offsetMs) * 1e6;
}

/** From one moment to another, at most 24 days apart; negative when it lies ahead. */
export function elapsedMs(fromMs: number, toMs: number): number {
  return (toMs - fromMs) | 0;
}

/** Each thread has a `performance` of its own; the clock below it is one. */
const offsetMs = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();
