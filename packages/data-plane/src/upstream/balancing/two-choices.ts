/** The better one of two that chance has chosen: nearly as even as the best of all, and without a look at all. */

import type { Balancer, Member, Random } from './member.ts';
import { WeightedRandom } from './weighted-random.ts';

/** How often the second choice is made again when it is the first one. */
const repeatsMax = 4;

/**
 * How much a member would cost, less being better. `relativeWeight`: 1 is the mean; requests in flight are to be divided by it.
 */
export type CostOf<E> = (endpoint: E, relativeWeight: number) => number;

/**
 * Power of two choices (Mitzenmacher, 1996). Weights rule the choice of the two, and equal costs leave it at the first of them: among
 * members that are alike in cost the distribution is that of the weights. `costOf` must not weigh members that are idle, or the heavier ones
 * get more than their share; Envoy's way of dividing `active + 1` by the weight does.
 */
export class TwoChoices<E> implements Balancer<E> {
  readonly #choices: WeightedRandom<E>;
  readonly #costOf: CostOf<E>;
  #relative = new Float64Array();

  constructor(random: Random, costOf: CostOf<E>) {
    this.#choices = new WeightedRandom(random);
    this.#costOf = costOf;
  }

  setMembers(members: readonly Member<E>[]): void {
    this.#choices.setMembers(members);
    const mean = members.reduce((sum, { weight }) => sum + weight, 0) / members.length;
    this.#relative = Float64Array.from(members, ({ weight }) => weight / mean);
  }

  pick(): E | undefined {
    const { members } = this.#choices;
    if (members.length < 2) return members[0]?.endpoint;
    const first = this.#choices.pickIndex();
    let second = first;
    for (let repeats = 0; second === first && repeats < repeatsMax; repeats += 1)
      second = this.#choices.pickIndex();
    const { endpoint } = members[first]!;
    if (second === first) return endpoint;
    const other = members[second]!.endpoint;
    const isBetter =
      this.#costOf(other, this.#relative[second]!) < this.#costOf(endpoint, this.#relative[first]!);
    return isBetter ? other : endpoint;
  }
}

/** For `leastRequest`: requests in flight for each unit of weight. */
export function leastRequestCost<E>(activeOf: (endpoint: E) => number): CostOf<E> {
  return (endpoint, relativeWeight) => activeOf(endpoint) / relativeWeight;
}
