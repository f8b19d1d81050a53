/** Token buckets by key, as a filter uses them; those of a node are shared by all of its workers. */

export interface Rate {
  /** Nanoseconds in which one token comes. */
  readonly intervalNs: number;
  /** Tokens in a full bucket. */
  readonly capacity: number;
}

/** A limit, told apart from others: made once, for all of its keys. */
export interface LimitId {
  readonly low: number;
  readonly high: number;
}

export interface Buckets {
  limitId(text: string): LimitId;
  /**
   * Takes `cost` tokens, if `needed` are there: gives after how many nanoseconds the bucket will be full again. Takes nothing when they are not
   * there: gives minus the nanoseconds until they are. A bucket that nobody knows is full.
   */
  take(limit: LimitId, key: string, rate: Rate, cost: number, needed: number): number;
  /** Takes tokens that are spent already; a bucket owes at most as many as it holds. Gives after how many nanoseconds it will be full again. */
  charge(limit: LimitId, key: string, rate: Rate, cost: number): number;
}
