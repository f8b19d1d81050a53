/** What Consumers may over all Routes together. */

import type { ConsumerLimits, ConsumerQuota, ConsumerRate } from '../consumers.ts';
import type { Filter, FilterExchange, Refusal, Sooner, Verdict } from '../filter.ts';
import type { Buckets, LimitId, Rate } from '../rate-limit/buckets.ts';
import {
  type BucketTake,
  type ClusterBuckets,
  nodeShare,
  type QuotaTake,
} from '../rate-limit/cluster-buckets.ts';
import { addPolicy, leftOf, overLimit, policyOf, rateLeft } from '../rate-limit/limit-fields.ts';
import { limitTag } from '../rate-limit/limit-tag.ts';
import { type Period, periodAt } from './calendar.ts';

export interface ConsumerLimitServices {
  readonly buckets: Buckets;
  readonly clusterBuckets: ClusterBuckets;
  readonly wallMs: () => number;
}

interface HeldRate extends Rate, BucketTake {
  readonly name: string;
  readonly policy: string;
  /** In the node's own buckets. */
  readonly id: LimitId;
}

interface HeldQuota {
  readonly quota: ConsumerQuota;
  readonly period: Period;
  readonly take: QuotaTake;
}

/** The limits of a Consumer, made ready. */
interface Held {
  readonly key: string;
  readonly own: readonly HeldRate[];
  readonly shared: readonly HeldRate[];
  /** Of the periods of now. */
  quotas: readonly HeldQuota[];
}

interface State {
  held: Held | undefined;
  /** Of what the node counts, `Buckets.take` for each; empty before it was asked. */
  own: readonly number[];
  /** Those of what all nodes count, as `ClusterBuckets.take` gave them: rates, then quotas. */
  shared: readonly number[];
  /** The node's shares stand in for what all nodes count. */
  isAlone: boolean;
}

const name = 'consumerLimits';
const nothing: readonly number[] = [];

/** Counts for Consumers that have limits or quotas, and looks at one property for all others. A request that is over one of them costs none. */
export class ConsumerLimitsFilter implements Filter<State> {
  readonly kind = name;
  readonly name = name;
  readonly #services: ConsumerLimitServices;
  readonly #held = new WeakMap<ConsumerLimits, Held>();

  constructor(services: ConsumerLimitServices) {
    this.#services = services;
  }

  createState(): State {
    return { held: undefined, own: nothing, shared: nothing, isAlone: false };
  }

  onRequestHead({ identity }: FilterExchange, state: State): Sooner<Verdict> {
    if (identity?.limits === undefined) return undefined;
    const held = this.#heldTo(identity.limits);
    state.held = held;
    state.own = this.#takeHere(held, held.own);
    const refusal = refusalOf(held.own, state.own);
    if (refusal !== undefined || held.shared.length + held.quotas.length === 0) return refusal;
    const answer = this.#services.clusterBuckets.take(held.key, [
      ...held.shared,
      ...held.quotas.map(({ take }) => take),
    ]);
    if (!(answer instanceof Promise)) return this.#afterAll(held, state, answer);
    return answer.then((results) => this.#afterAll(held, state, results));
  }

  onResponseHead(exchange: FilterExchange, { held, own, shared, isAlone }: State): Verdict {
    if (held === undefined) return undefined;
    const tell = (rates: readonly HeldRate[], results: readonly number[]): void => {
      for (const [index, rate] of rates.entries()) {
        const result = results[index];
        if (result !== undefined) addPolicy(exchange, rate.policy, rateLeft(rate.name, rate, result, 1));
      }
    };
    tell(held.own, own);
    tell(isAlone ? this.#shares(held) : held.shared, shared);
    for (const [index, { quota, period }] of held.quotas.entries()) {
      const used = shared[held.shared.length + index];
      if (used === undefined) continue;
      const left = used < 0 ? 0 : quota.requests - used;
      addPolicy(
        exchange,
        policyOf(quota.name, quota.requests, secondsOf(period)),
        leftOf(quota.name, left, this.#untilEnd(period)),
      );
    }
    return undefined;
  }

  /** All nodes together have been asked. */
  #afterAll(held: Held, state: State, results: readonly number[] | undefined): Verdict {
    const refusal = results === undefined ? this.#takeShares(held, state) : this.#refusalOfAll(held, results);
    if (results !== undefined) state.shared = results;
    if (refusal !== undefined) state.own = this.#giveBack(held, held.own);
    return refusal;
  }

  #takeShares(held: Held, state: State): Refusal | undefined {
    if (held.quotas.length > 0) this.#services.clusterBuckets.noteUncounted();
    const shares = this.#shares(held);
    state.isAlone = true;
    state.shared = this.#takeHere(held, shares);
    return refusalOf(shares, state.shared);
  }

  #refusalOfAll(held: Held, results: readonly number[]): Refusal | undefined {
    const used = held.quotas.filter((_, index) => results[held.shared.length + index]! < 0);
    if (used.length === 0) return refusalOf(held.shared, results);
    const waitNs = Math.max(...used.map(({ period }) => this.#untilEnd(period)));
    return overLimit(
      'quota_exceeded',
      used.map(({ quota }) => quota.name),
      waitNs,
    );
  }

  #shares({ shared }: Held): HeldRate[] {
    return shared.map((rate) => nodeShare(rate, this.#services.clusterBuckets.nodes, 1));
  }

  /** In order, until one has no token; then those before it get theirs back. */
  #takeHere(held: Held, rates: readonly HeldRate[]): readonly number[] {
    if (rates.length === 0) return nothing;
    const results: number[] = [];
    for (const rate of rates) {
      const result = this.#services.buckets.take(rate.id, held.key, rate, 1, 1);
      if (result < 0) return [...this.#giveBack(held, rates.slice(0, results.length)), result];
      results.push(result);
    }
    return results;
  }

  /** What they have now, as `Buckets.take` gives it. */
  #giveBack({ key }: Held, rates: readonly HeldRate[]): number[] {
    return rates.map((rate) => Math.max(this.#services.buckets.charge(rate.id, key, rate, -1), 0));
  }

  #untilEnd({ endMs }: Period): number {
    return Math.max(endMs - this.#services.wallMs(), 0) * 1e6;
  }

  #heldTo(limits: ConsumerLimits): Held {
    let held = this.#held.get(limits);
    if (held === undefined) this.#held.set(limits, (held = this.#hold(limits)));
    if (limits.quotas.length > 0) {
      const nowMs = this.#services.wallMs();
      if (held.quotas.some(({ period }) => nowMs < period.startMs || nowMs >= period.endMs))
        held.quotas = this.#holdQuotas(limits, nowMs);
    }
    return held;
  }

  #hold(limits: ConsumerLimits): Held {
    const rates = limits.rates.map((rate) => ({ isShared: rate.isShared, held: this.#holdRate(rate) }));
    return {
      key: `consumer ${limits.consumer}`,
      own: rates.filter(({ isShared }) => !isShared).map(({ held }) => held),
      shared: rates.filter(({ isShared }) => isShared).map(({ held }) => held),
      quotas: this.#holdQuotas(limits, this.#services.wallMs()),
    };
  }

  #holdRate({ name: limit, requests, perSeconds, burst }: ConsumerRate): HeldRate {
    const text = `consumer limit ${limit} ${requests} ${perSeconds} ${burst}`;
    const rate: Rate = { intervalNs: (perSeconds * 1e9) / requests, capacity: burst };
    return {
      ...rate,
      rate,
      name: limit,
      policy: policyOf(limit, requests, perSeconds),
      id: this.#services.buckets.limitId(text),
      limit: limitTag(text),
      cost: 1,
      needed: 1,
    };
  }

  /** What is used of a quota stays used when its number changes. */
  #holdQuotas({ quotas }: ConsumerLimits, nowMs: number): HeldQuota[] {
    return quotas.map((quota) => {
      const period = periodAt(nowMs, quota.per, quota.timeZone);
      const limit = limitTag(`consumer quota ${quota.name} ${quota.per} ${quota.timeZone} ${period.name}`);
      return { quota, period, take: { limit, max: quota.requests, endMs: period.endMs } };
    });
  }
}

function refusalOf(rates: readonly HeldRate[], results: readonly number[]): Refusal | undefined {
  const over = rates.filter((_, index) => results[index] !== undefined && results[index] < 0);
  if (over.length === 0) return undefined;
  const waitNs = Math.max(...results.map((result) => -result));
  return overLimit(
    'rate_limited',
    over.map((rate) => rate.name),
    waitNs,
  );
}

function secondsOf({ startMs, endMs }: Period): number {
  return (endMs - startMs) / 1000;
}
