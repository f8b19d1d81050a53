/** Choice by chance, in proportion to weights. */

import type { Balancer, Member, Random } from './member.ts';

/**
 * The alias method (Walker, 1977; tables as Vose makes them, 1991): as many columns as members, in each at most two of them, so that one
 * random number finds one whatever the weights.
 */
export class WeightedRandom<E> implements Balancer<E> {
  readonly #random: Random;
  #members: readonly Member<E>[] = [];
  /** By column: the share of it that is its own member's, and whose the rest is. */
  #shares = new Float64Array();
  #others = new Int32Array();

  constructor(random: Random) {
    this.#random = random;
  }

  get members(): readonly Member<E>[] {
    return this.#members;
  }

  setMembers(members: readonly Member<E>[]): void {
    this.#members = members;
    const mean = members.reduce((sum, { weight }) => sum + weight, 0) / members.length;
    const left = Float64Array.from(members, ({ weight }) => weight / mean);
    this.#shares = new Float64Array(members.length).fill(1);
    this.#others = Int32Array.from(members, (_, index) => index);
    const small: number[] = [];
    const large: number[] = [];
    for (const [index, share] of left.entries()) (share < 1 ? small : large).push(index);
    while (small.length > 0 && large.length > 0) {
      const [less, more] = [small.pop()!, large.at(-1)!];
      this.#shares[less] = left[less]!;
      this.#others[less] = more;
      left[more]! -= 1 - left[less]!;
      if (left[more]! < 1) small.push(large.pop()!);
    }
  }

  pick(): E | undefined {
    return this.#members[this.pickIndex()]?.endpoint;
  }

  /** Of `members`; anything when there are none. */
  pickIndex(): number {
    const place = this.#random() * this.#shares.length;
    const column = place | 0;
    return place - column < this.#shares[column]! ? column : this.#others[column]!;
  }
}
