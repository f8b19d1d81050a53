/** Limits of one chain that stand side by side and count the same key in Redis: asked by one question, and charged all or none. */

import { isDeepStrictEqual } from 'node:util';

import type { Filter, FilterExchange, Sooner, Verdict } from '../filter.ts';
import type { ClusterBuckets } from './cluster-buckets.ts';
import { overLimit } from './limit-fields.ts';
import { RateLimitFilter, type RateLimitState } from './rate-limit.ts';

/** The filters, with those that can be asked together made one. */
export function joinLimits(filters: readonly Filter[]): readonly Filter[] {
  const joined: Filter[] = [];
  for (const filter of filters) {
    const before = joined.at(-1);
    const limits = before instanceof JointLimits ? before.limits : [before];
    if (filter instanceof RateLimitFilter && limits.every((limit) => isAskedWith(filter, limit)))
      joined.splice(-1, 1, new JointLimits([...(limits as RateLimitFilter[]), filter]));
    else joined.push(filter);
  }
  return joined.length === filters.length ? filters : joined;
}

function isAskedWith(filter: RateLimitFilter, other: Filter | undefined): boolean {
  return (
    other instanceof RateLimitFilter &&
    filter.cluster !== undefined &&
    filter.cluster === other.cluster &&
    isDeepStrictEqual(filter.keySources, other.keySources)
  );
}

class JointLimits implements Filter<RateLimitState[]> {
  readonly kind = 'rateLimit';
  readonly name: string;
  readonly limits: readonly RateLimitFilter[];
  readonly #cluster: ClusterBuckets;

  constructor(limits: readonly RateLimitFilter[]) {
    this.name = limits.map(({ name }) => name).join(' and ');
    this.limits = limits;
    this.#cluster = limits[0]!.cluster!;
  }

  createState(): RateLimitState[] {
    return this.limits.map((limit) => limit.createState());
  }

  onRequestHead(exchange: FilterExchange, states: RateLimitState[]): Sooner<Verdict> {
    const takes = this.limits.map((limit, index) => limit.begin(exchange, states[index]!));
    const answer = this.#cluster.take(states[0]!.key, takes);
    if (!(answer instanceof Promise)) return this.#decide(states, answer);
    return answer.then((results) => this.#decide(states, results));
  }

  onResponseHead(exchange: FilterExchange, states: RateLimitState[]): Sooner<Verdict> {
    return this.#tellFrom(0, exchange, states);
  }

  /** In order, so that what they tell has an order. */
  #tellFrom(first: number, exchange: FilterExchange, states: RateLimitState[]): Sooner<Verdict> {
    for (let index = first; index < this.limits.length; index += 1) {
      const told = this.limits[index]!.onResponseHead(exchange, states[index]!);
      if (told instanceof Promise) return told.then(() => this.#tellFrom(index + 1, exchange, states));
    }
    return undefined;
  }

  #decide(states: RateLimitState[], results: readonly number[] | undefined): Verdict {
    for (const [index, limit] of this.limits.entries()) {
      const verdict = limit.decide(states[index]!, results?.[index]);
      // Of those that the node decides alone, one after the other.
      if (results === undefined && verdict !== undefined) return verdict;
    }
    const over = this.limits.filter((_, index) => results?.[index] !== undefined && results[index] < 0);
    if (over.length === 0) return undefined;
    return overLimit(
      'rate_limited',
      over.map(({ name }) => name),
      -Math.min(...results!),
    );
  }
}
