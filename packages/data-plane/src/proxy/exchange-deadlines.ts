/** When an exchange takes too long, by what is being waited for. Pure: the caller knows the time. */

import type { RouteTimeouts } from '../table/route-entry.ts';

/** Milliseconds and bytes a second; 0 = off. */
export interface ExchangeTimeouts extends RouteTimeouts {
  readonly requestBodyIdleMs: number;
  /** Slower clients are cut, reading and writing. */
  readonly bytesPerSecondMin: number;
}

export const noTimeouts: ExchangeTimeouts = {
  requestMs: 0,
  backendRequestMs: 0,
  responseHeadMs: 0,
  idleMs: 0,
  streamIdleMs: 0,
  requestBodyIdleMs: 0,
  bytesPerSecondMin: 0,
};

/** Before there is a Route, and of what the gateway answers without one: what has not been taken for so long is given up. */
export const unroutedTimeouts: ExchangeTimeouts = { ...noTimeouts, idleMs: 10_000 };

/** A client gets so long before its rate counts. */
const rateGraceMs = 5000;

/** A limit of 0 is off. */
export function deadline(fromMs: number, limitMs: number): number {
  return limitMs > 0 ? fromMs + limitMs : Infinity;
}

/**
 * The moment by which so many bytes must have passed at the lowest rate allowed. For a body that is being received it moves on with every
 * byte; a backlog that is being sent must be gone by it. Averages, because networks and kernels pass bytes on in bursts.
 */
export function rateDeadline(fromMs: number, bytes: number, bytesPerSecondMin: number): number {
  return bytesPerSecondMin > 0 ? fromMs + rateGraceMs + (bytes * 1000) / bytesPerSecondMin : Infinity;
}
