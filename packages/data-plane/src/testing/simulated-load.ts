/** Requests to endpoints of different speed, in simulated time. */

import type { PeakLatency } from '../upstream/balancing/peak-latency.ts';

export interface SimulatedEndpoint {
  /** It answers any number at once, each in this time. */
  serviceMs: number;
  active: number;
  done: number;
  readonly latency: PeakLatency;
}

interface SimulatedLoad {
  readonly requests: number;
  /** Whenever one is answered, the next is sent. */
  readonly inFlight: number;
  readonly clock: { nowMs: number };
  readonly pick: () => SimulatedEndpoint;
}

/** Runs until `requests` are answered; those that are still in flight then are forgotten. */
export function simulate({ requests, inFlight, clock, pick }: SimulatedLoad): void {
  const running: { readonly endpoint: SimulatedEndpoint; readonly sentMs: number; readonly endMs: number }[] =
    [];
  const send = (): void => {
    const endpoint = pick();
    endpoint.active += 1;
    running.push({ endpoint, sentMs: clock.nowMs, endMs: clock.nowMs + endpoint.serviceMs });
  };
  for (let count = 0; count < inFlight; count += 1) send();
  for (let answered = 0; answered < requests; answered += 1) {
    let next = 0;
    for (const [index, { endMs }] of running.entries()) if (endMs < running[next]!.endMs) next = index;
    const [{ endpoint, sentMs, endMs }] = running.splice(next, 1) as [(typeof running)[number]];
    clock.nowMs = endMs;
    endpoint.active -= 1;
    endpoint.done += 1;
    endpoint.latency.observe(endMs - sentMs, endMs);
    send();
  }
  for (const { endpoint } of running) endpoint.active -= 1;
}
