/** What results of checks say about an endpoint: one decides at first, then it takes some in a row. */

export type CheckedState = 'unknown' | 'healthy' | 'unhealthy';

export interface Thresholds {
  /** Failures in a row. */
  readonly unhealthyAfter: number;
  /** Good results in a row. */
  readonly healthyAfter: number;
}

export class CheckJudgement {
  readonly #thresholds: Thresholds;
  #state: CheckedState;
  #isFirst = true;
  /** Results in a row that speak against the state. */
  #against = 0;

  /** `state`: what was known before; the first result decides all the same. */
  constructor(thresholds: Thresholds, state: CheckedState) {
    this.#thresholds = thresholds;
    this.#state = state;
  }

  get state(): CheckedState {
    return this.#state;
  }

  /** Whether it has changed the state. */
  note(isGood: boolean): boolean {
    const said = isGood ? 'healthy' : 'unhealthy';
    const needed = this.#isFirst ? 1 : this.#thresholds[isGood ? 'healthyAfter' : 'unhealthyAfter'];
    this.#isFirst = false;
    this.#against = said === this.#state ? 0 : this.#against + 1;
    if (said === this.#state || this.#against < needed) return false;
    this.#state = said;
    this.#against = 0;
    return true;
  }
}
