/** So many requests in so much time, by whatever tells clients apart. */

import { isEnforced } from '../enforced.ts';
import { fieldValue } from '../fields.ts';
import type { Filter, FilterExchange, Refusal, Sooner, Verdict } from '../filter.ts';
import type { RequestSource } from '../request-source.ts';
import type { Buckets, LimitId, Rate } from './buckets.ts';
import { type BucketTake, type ClusterBuckets, nodeShare } from './cluster-buckets.ts';
import { addPolicy, overLimit, policyOf, rateLeft } from './limit-fields.ts';
import { limitKey } from './limit-key.ts';
import { limitTag } from './limit-tag.ts';

export interface RateSettings {
  readonly requests: number;
  readonly perSeconds: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

export interface Tier extends RateSettings {
  /** Any of them, or of the groups. */
  readonly consumers: readonly string[];
  readonly groups: readonly string[];
}

export interface RateLimitSettings extends RateSettings {
  /** Of the object in which it is written, and its own name: tells its buckets apart from those of others. */
  readonly id: string;
  /** In which names of Consumers in tiers mean something. */
  readonly namespace: string;
  /** Parts of the key. */
  readonly key: readonly RequestSource[];
  /** Of a request; or the header of the answer that says it. */
  readonly cost: number | { readonly responseHeader: string };
  /** The first that fits goes before the limit itself. */
  readonly tiers: readonly Tier[];
  /** Says by RateLimit and RateLimit-Policy what is left, to those whom it would refuse. */
  readonly headers: boolean;
  /** Of the clients; see `enforcedFor`. */
  readonly enforcedPercent: number;
  /** Present: all nodes of the Gateway count together; what becomes of requests when they cannot. */
  readonly onFailure: 'local' | 'allow' | 'deny' | undefined;
}

interface PreparedRate extends Rate {
  /** With its numbers in it: what is owed under others, or to another tier, is nothing to it. */
  readonly limit: LimitId;
  /** The same for all nodes together. */
  readonly tag: string;
  /** Member of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers). */
  readonly policy: string;
}

export interface RateLimitState {
  /** Of the tier that the caller is in. */
  wanted: PreparedRate | undefined;
  /** By which it was decided. */
  rate: PreparedRate | undefined;
  key: string;
  /** As `Buckets.take` gave it. */
  result: number;
  /** Counted by this node alone. */
  isLocal: boolean;
}

/** A cost that an answer names, at most. */
const costMax = 1e9;

export class RateLimitFilter implements Filter<RateLimitState> {
  readonly kind = 'rateLimit';
  readonly name: string;
  readonly #settings: RateLimitSettings;
  readonly #buckets: Buckets;
  readonly #cluster: ClusterBuckets;
  readonly #rate: PreparedRate;
  readonly #tiers: readonly (PreparedRate & { readonly tier: Tier })[];
  readonly #cost: number;
  readonly #costHeader: string | undefined;

  constructor(name: string, settings: RateLimitSettings, buckets: Buckets, cluster: ClusterBuckets) {
    this.name = name;
    this.#settings = settings;
    this.#buckets = buckets;
    this.#cluster = cluster;
    const prepare = (rate: RateSettings, tier: string): PreparedRate =>
      prepareRate(name, rate, `${settings.id}${tier}`, buckets);
    this.#rate = prepare(settings, '');
    this.#tiers = settings.tiers.map((tier, index) => ({ ...prepare(tier, ` tier ${index}`), tier }));
    const { cost } = settings;
    this.#cost = typeof cost === 'number' ? cost : 0;
    this.#costHeader = typeof cost === 'number' ? undefined : cost.responseHeader;
  }

  /** Present: who counts for all nodes together. */
  get cluster(): ClusterBuckets | undefined {
    return this.#settings.onFailure && this.#cluster;
  }

  get keySources(): readonly RequestSource[] {
    return this.#settings.key;
  }

  createState(): RateLimitState {
    return { wanted: undefined, rate: undefined, key: '', result: 0, isLocal: true };
  }

  onRequestHead(exchange: FilterExchange, state: RateLimitState): Sooner<Verdict> {
    if (this.#settings.onFailure === undefined) {
      state.key = limitKey(this.#settings.key, exchange);
      return this.#takeHere(this.#rateFor(exchange), state);
    }
    const take = this.begin(exchange, state);
    const answer = this.#cluster.take(state.key, [take]);
    if (!(answer instanceof Promise)) return this.decide(state, answer?.[0]);
    return answer.then((results) => this.decide(state, results?.[0]));
  }

  /** What all nodes together are to be asked for. */
  begin(exchange: FilterExchange, state: RateLimitState): BucketTake {
    const rate = this.#rateFor(exchange);
    state.wanted = rate;
    state.key = limitKey(this.#settings.key, exchange);
    return { limit: rate.tag, rate, cost: this.#cost, needed: this.#cost || 1 };
  }

  /** They have been asked; undefined: in vain. */
  decide(state: RateLimitState, result: number | undefined): Verdict {
    const rate = state.wanted!;
    if (result !== undefined) {
      state.isLocal = false;
      return this.#settle(rate, state, result);
    }
    switch (this.#settings.onFailure) {
      case 'allow':
        return undefined;
      case 'deny':
        return limitsUnavailable;
      default:
        return this.#takeHere(nodeShare(rate, this.#cluster.nodes, this.#cost || 1), state);
    }
  }

  /** Where all nodes are told of a cost, the answer waits for that: who asks next has paid. */
  onResponseHead(exchange: FilterExchange, state: RateLimitState): Sooner<Verdict> {
    const { rate } = state;
    if (rate === undefined) return undefined;
    const cost =
      this.#costHeader === undefined ? 0 : costOf(fieldValue(exchange.responseFields, this.#costHeader));
    if (cost > 0 && state.result >= 0) {
      if (!state.isLocal) return this.#chargeAll(exchange, rate, state, cost);
      state.result = this.#buckets.charge(rate.limit, state.key, rate, cost);
    }
    return this.#tell(exchange, rate, state.result);
  }

  #tell(exchange: FilterExchange, rate: PreparedRate, result: number): undefined {
    const { headers, enforcedPercent } = this.#settings;
    if (!headers || (enforcedPercent < 100 && !isEnforced(enforcedPercent, exchange))) return;
    addPolicy(exchange, rate.policy, rateLeft(this.name, rate, result, this.#cost || 1));
  }

  async #chargeAll(
    exchange: FilterExchange,
    rate: PreparedRate,
    state: RateLimitState,
    cost: number,
  ): Promise<undefined> {
    const take = { limit: rate.tag, rate, cost, needed: -rate.capacity };
    const results = await this.#cluster.take(state.key, [take]);
    this.#tell(exchange, rate, results?.[0] ?? state.result + cost * rate.intervalNs);
  }

  #takeHere(rate: PreparedRate, state: RateLimitState): Verdict {
    return this.#settle(
      rate,
      state,
      this.#buckets.take(rate.limit, state.key, rate, this.#cost, this.#cost || 1),
    );
  }

  #settle(rate: PreparedRate, state: RateLimitState, result: number): Verdict {
    state.rate = rate;
    state.result = result;
    return result < 0 ? overLimit('rate_limited', [this.name], -result) : undefined;
  }

  #rateFor({ identity }: FilterExchange): PreparedRate {
    if (identity === undefined) return this.#rate;
    for (const prepared of this.#tiers) {
      const { consumers, groups } = prepared.tier;
      const isNamed =
        identity.namespace === this.#settings.namespace &&
        identity.consumer !== undefined &&
        consumers.includes(identity.consumer);
      if (isNamed || groups.some((group) => identity.groups.includes(group))) return prepared;
    }
    return this.#rate;
  }
}

const limitsUnavailable: Refusal = { kind: 'refusal', reason: 'limits_unavailable' };

function prepareRate(
  name: string,
  { requests, perSeconds, burst }: RateSettings,
  id: string,
  buckets: Buckets,
): PreparedRate {
  const text = `${id} ${requests} ${perSeconds} ${burst}`;
  return {
    limit: buckets.limitId(text),
    tag: limitTag(text),
    intervalNs: (perSeconds * 1e9) / requests,
    capacity: burst,
    policy: policyOf(name, requests, perSeconds),
  };
}

function costOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Math.min(Number(text), costMax) : 0;
}
