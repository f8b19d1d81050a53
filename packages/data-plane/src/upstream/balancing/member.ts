/** What balancers choose among, and what all of them can do. */

export interface Member<E> {
  readonly endpoint: E;
  /** Above 0. */
  readonly weight: number;
}

/** Chooses an endpoint without looking at the request. Cost of a choice: the same for ten members and for thousands, or nearly so. */
export interface Balancer<E> {
  /** Takes the complete list; members that stay, known by `endpoint`, keep their place. */
  setMembers(members: readonly Member<E>[]): void;
  /** Undefined only when there are no members. */
  pick(): E | undefined;
}

/** Gives numbers in [0, 1). */
export type Random = () => number;

/** Good enough for balancing, and cheap; nothing secret hangs on it. */
export const processRandom: Random = Math.random;
