import { randomInt } from 'node:crypto';

const range = 2 ** 32;

/**
 * Decides by chance, so that no rhythm of the traffic is always or never seen. Xorshift (Marsaglia, "Xorshift RNGs", 2003)
 * costs 2 ns and is no secret.
 */
export class Sampler {
  readonly #below: number;
  #state: number;

  /** @param percent of calls that are taken, 0 to 100. */
  constructor(percent: number, seed = randomInt(1, range)) {
    this.#below = (percent / 100) * range;
    this.#state = seed;
  }

  takes(): boolean {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0 < this.#below;
  }
}
