/** How much of something that costs its sender nothing a connection may bring before it is ended. */

/** Frames that ask for an answer and carry nothing; PING and SETTINGS together (CVE-2019-9512, CVE-2019-9515). */
export const controlFramesMax = 1000;
export const windowMs = 10_000;

/** At most `countMax` in `windowMs`: windows follow each other, so twice as many may come around the border of two. */
export class Allowance {
  readonly #countMax: number;
  #left: number;
  #windowEndMs = -Infinity;

  constructor(countMax: number) {
    this.#countMax = countMax;
    this.#left = countMax;
  }

  /** Takes one; false when there is none left in this window. */
  take(nowMs: number): boolean {
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + windowMs;
      this.#left = this.#countMax;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }
}
