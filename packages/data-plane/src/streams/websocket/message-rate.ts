/** How many messages may come within a second. */

/** Of a message, in what has been refilled: a share of a second is no exact fraction. */
const roundingMax = 1e-6;

/** A bucket of one second's messages: so many at once, and refilled at as many a second. */
export class MessageRate {
  readonly #perSecond: number;
  #left: number;
  #refilledMs: number;

  /** `perSecond`: 1 or more. Times are of one clock that does not go back. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#refilledMs = nowMs;
  }

  /** Takes one; false: there is none. */
  take(nowMs: number): boolean {
    const refilled = ((nowMs - this.#refilledMs) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#perSecond, this.#left + refilled);
    this.#refilledMs = nowMs;
    if (this.#left < 1 - roundingMax) return false;
    this.#left -= 1;
    return true;
  }
}
