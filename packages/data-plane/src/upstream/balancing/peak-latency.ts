/** How slow an endpoint has been of late, for the policy `peakEwma`. */

import type { CostOf } from './two-choices.ts';

/** What is so old counts a third. Finagle and Linkerd have 10 s too. */
const decayMs = 10_000;

/** A try without an answer counts as one that took so long: who refuses at once must not look fast. */
const failureMs = 1000;

/** Among those that are still without an answer, whoever has fewer requests; and anybody else before them. */
const unknownCost = 1e9;

/**
 * An average of what answers took, in which new ones count for more: it jumps up to a peak at once, and comes down slowly; without requests
 * it fades, so that one that was slow gets another chance. Source: Finagle's PeakEwma.
 */
export class PeakLatency {
  #latencyMs = 0;
  #atMs = -Infinity;
  /** What `at` gave last. */
  #fadedMs = 0;
  #fadedAtMs = -Infinity;

  get isKnown(): boolean {
    return this.#atMs > -Infinity;
  }

  /** `tookMs` undefined: there was no answer. */
  observe(tookMs: number | undefined, nowMs: number): void {
    const ms = tookMs ?? failureMs;
    const fadedMs = this.at(nowMs);
    const share = this.isKnown ? Math.exp((this.#atMs - nowMs) / decayMs) : 0;
    // Fading has taken its share away already; what comes in fills it up.
    this.#latencyMs = ms > fadedMs ? ms : fadedMs + ms * (1 - share);
    this.#atMs = nowMs;
    this.#fadedMs = this.#latencyMs;
    this.#fadedAtMs = nowMs;
  }

  /** Milliseconds. Hot path: one fades once for each tick of a coarse clock, not for each request. */
  at(nowMs: number): number {
    if (nowMs === this.#fadedAtMs) return this.#fadedMs;
    this.#fadedMs = this.isKnown ? this.#latencyMs * Math.exp((this.#atMs - nowMs) / decayMs) : 0;
    this.#fadedAtMs = nowMs;
    return this.#fadedMs;
  }
}

/** What a request more would wait: the latency, for it and for each before it. */
export function peakCost<E>(
  latencyOf: (endpoint: E) => PeakLatency,
  activeOf: (endpoint: E) => number,
  nowMs: () => number,
): CostOf<E> {
  return (endpoint, relativeWeight) => {
    const latency = latencyOf(endpoint);
    const active = activeOf(endpoint) / relativeWeight;
    if (latency.isKnown) return latency.at(nowMs()) * (active + 1);
    // A new one gets a request, and no more before its answer is there.
    return active === 0 ? 0 : unknownCost * active;
  };
}
