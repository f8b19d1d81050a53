/** Weighted round robin that spreads each member evenly instead of in bursts. */

import type { Balancer, Member } from './member.ts';

/**
 * In a cycle of as many picks as the sum of the weights every member has exactly `weight` turns, spread evenly over it: turn k of a member
 * lies at (k + phase) / weight, and the earliest is taken. Members of the same weight have different phases, so they take turns in the order
 * of their list. Members that stay keep the turns that they had in this cycle. Weights are integers.
 *
 * Cost: that of a heap; nginx's way to the same end is a pass over all members. Rounding moves turns, never their number, because all turns
 * of a cycle lie below 1.
 */
export class RoundRobin<E> implements Balancer<E> {
  #members: readonly Member<E>[] = [];
  /** By member: turns that it had in this cycle, the place of its first turn, and of its next. */
  #taken = new Float64Array();
  #phases = new Float64Array();
  #turns = new Float64Array();
  /** Members, a heap by their next turn. */
  #heap = new Int32Array();
  /** Picks until the cycle is over. */
  #left = 0;
  readonly #start: number;

  /**
   * `start`: the part of a cycle that is over for the first members, 0 up to 1. Where many begin again and again, all at the same place
   * would leave nothing to members of small weight.
   */
  constructor(start = 0) {
    this.#start = start;
  }

  setMembers(members: readonly Member<E>[]): void {
    const before = new Map(
      this.#members.map(({ endpoint, weight }, index) => [endpoint, { weight, taken: this.#taken[index]! }]),
    );
    const now = this.#members.length === 0 ? this.#start : this.#turns[this.#heap[0]!]!;
    this.#members = members;
    this.#phases = phasesOf(members);
    this.#turns = new Float64Array(members.length);
    this.#heap = Int32Array.from(members, (_, index) => index);
    this.#taken = Float64Array.from(members, ({ endpoint, weight }, index) => {
      const had = before.get(endpoint);
      if (had !== undefined) return Math.round((had.taken * weight) / had.weight);
      // Who is new has missed what is over of the cycle.
      return Math.min(Math.max(Math.ceil(now * weight - this.#phases[index]!), 0), weight);
    });
    this.#left = members.reduce((left, { weight }, index) => left + weight - this.#taken[index]!, 0);
    this.#order();
  }

  pick(): E | undefined {
    if (this.#left === 0) this.#beginCycle();
    const index = this.#heap[0];
    if (index === undefined) return undefined;
    this.#left -= 1;
    this.#taken[index]! += 1;
    const { endpoint, weight } = this.#members[index]!;
    this.#turns[index] = (this.#taken[index]! + this.#phases[index]!) / weight;
    this.#sink(0);
    return endpoint;
  }

  #beginCycle(): void {
    this.#taken.fill(0);
    this.#left = this.#members.reduce((sum, { weight }) => sum + weight, 0);
    this.#order();
  }

  #order(): void {
    for (const [index, { weight }] of this.#members.entries())
      this.#turns[index] = (this.#taken[index]! + this.#phases[index]!) / weight;
    for (let place = (this.#heap.length >> 1) - 1; place >= 0; place -= 1) this.#sink(place);
  }

  /** Hot path: everything is a typed array, so a pick makes no garbage. */
  #sink(start: number): void {
    const heap = this.#heap;
    const turns = this.#turns;
    const { length } = heap;
    const index = heap[start]!;
    const turn = turns[index]!;
    let place = start;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      let first = heap[child]!;
      const other = child + 1 < length ? heap[child + 1]! : first;
      if (isBefore(turns[other]!, other, turns[first]!, first)) {
        first = other;
        child += 1;
      }
      if (!isBefore(turns[first]!, first, turn, index)) break;
      heap[place] = first;
      place = child;
    }
    heap[place] = index;
  }
}

function isBefore(turn: number, index: number, otherTurn: number, other: number): boolean {
  return turn < otherTurn || (turn === otherTurn && index < other);
}

/** In (0, 1): those of one weight evenly apart. */
function phasesOf(members: readonly { readonly weight: number }[]): Float64Array<ArrayBuffer> {
  const counts = new Map<number, number>();
  for (const { weight } of members) counts.set(weight, (counts.get(weight) ?? 0) + 1);
  const seen = new Map<number, number>();
  return Float64Array.from(members, ({ weight }) => {
    const rank = seen.get(weight) ?? 0;
    seen.set(weight, rank + 1);
    return (rank + 0.5) / counts.get(weight)!;
  });
}
