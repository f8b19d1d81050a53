/** The share of tries on an endpoint that went well lately. */

/** The window moves on in so many steps. */
export const windowSteps = 10;

/** What has been counted so far, ever; both wrap around at 32 bits. */
export interface TryCounts {
  /** Tries that are over. */
  readonly requests: number;
  readonly failures: number;
}

export class SuccessRate {
  #before: TryCounts | undefined;
  #steps: TryCounts[] = [];

  /** A step of the window is over. */
  note(counts: TryCounts): void {
    if (this.#before !== undefined) {
      this.#steps.push({
        requests: growth(this.#before.requests, counts.requests),
        failures: growth(this.#before.failures, counts.failures),
      });
      if (this.#steps.length > windowSteps) this.#steps.shift();
    }
    this.#before = counts;
  }

  /** Percent; undefined with fewer than `minRequests` tries in the window. */
  percent(minRequests: number): number | undefined {
    let requests = 0;
    let failures = 0;
    for (const step of this.#steps) {
      requests += step.requests;
      failures += step.failures;
    }
    if (requests < Math.max(minRequests, 1)) return undefined;
    return (100 * (requests - Math.min(failures, requests))) / requests;
  }

  /** What was before does not count any more. */
  restart(): void {
    this.#steps = [];
  }
}

/** From one count to a later one. Less than before: a worker has ended and taken its share along. */
export function growth(before: number, now: number): number {
  return Math.max(0, (now - before) | 0);
}
