/** When what let a stream in expires, by the clock on the wall: a machine that slept does not keep it alive. */

import type { Clock } from '@causeway/runtime/clock';

/** So long it is not looked at the clock on the wall, which may have been put forward. */
const lookMsMax = 30_000;

/** What of it the filters know that let the stream in. */
export interface ExpiringAdmission {
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** Asks those whose time had come by then; false: it is over. */
  renew(wallMs: number): boolean;
}

export class Expiry {
  readonly #clock: Clock;
  readonly #admission: ExpiringAdmission;
  readonly #graceMs: number;

  constructor(clock: Clock, admission: ExpiringAdmission, graceMs: number) {
    this.#clock = clock;
    this.#admission = admission;
    this.#graceMs = graceMs;
  }

  isOver(): boolean {
    const gracedMs = this.#clock.wallMs() - this.#graceMs;
    return gracedMs >= this.#admission.expiresAtMs && !this.#admission.renew(gracedMs);
  }

  /** Monotonic: when it is worth looking. */
  nextLookMs(): number {
    const leftMs = this.#admission.expiresAtMs + this.#graceMs - this.#clock.wallMs();
    return this.#clock.monotonicMs() + Math.min(Math.max(leftMs, 0), lookMsMax);
  }
}
