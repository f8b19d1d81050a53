/** Exponential backoff with full jitter: many clients that failed together must not come back together. */

export interface BackoffOptions {
  /** Upper bound of the first delay, milliseconds, above 0. */
  readonly baseMs: number;
  /** Upper bound of every delay, milliseconds, at least `baseMs`. */
  readonly maxMs: number;
  /** A number in [0, 1); `Math.random` when absent. */
  readonly random?: () => number;
}

export interface Backoff {
  /** The next delay: uniform between 0 and min(maxMs, baseMs * 2^attempt), milliseconds, fractional. */
  nextMs(): number;
  /** Starts again from `baseMs`. Call it after a success that lasted, not at the first sign of life. */
  reset(): void;
}

/**
 * Full jitter rather than a band around the exponent: with many clients it spreads the load best
 * (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export function createBackoff(options: BackoffOptions): Backoff {
  const { baseMs, maxMs, random = Math.random } = options;
  let ceilingMs = baseMs;
  return {
    nextMs() {
      const delayMs = random() * ceilingMs;
      ceilingMs = Math.min(maxMs, ceilingMs * 2);
      return delayMs;
    },
    reset() {
      ceilingMs = baseMs;
    },
  };
}
