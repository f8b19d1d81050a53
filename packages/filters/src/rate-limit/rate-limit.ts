/** So many requests in so much time, by whatever tells clients apart. */

import { fieldValue, listValue, setField } from '../fields.ts';
import type { Filter, FilterExchange, Refusal, Verdict } from '../filter.ts';
import type { RequestSource } from '../request-source.ts';
import type { Buckets, LimitId, Rate } from './buckets.ts';
import { limitKey } from './limit-key.ts';

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
  /** Says by RateLimit and RateLimit-Policy what is left. */
  readonly headers: boolean;
}

interface PreparedRate extends Rate {
  /** Of the tier: what one owes is nothing to another. */
  readonly keyPrefix: string;
  /** Member of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers). */
  readonly policy: string;
}

interface State {
  rate: PreparedRate | undefined;
  key: string;
  /** As `Buckets.take` gave it. */
  result: number;
}

/** A cost that an answer names, at most. */
const costMax = 1e9;

export class RateLimitFilter implements Filter<State> {
  readonly kind = 'rateLimit';
  readonly name: string;
  readonly #settings: RateLimitSettings;
  readonly #buckets: Buckets;
  readonly #limit: LimitId;
  readonly #rate: PreparedRate;
  readonly #tiers: readonly (PreparedRate & { readonly tier: Tier })[];
  readonly #cost: number;
  readonly #costHeader: string | undefined;

  constructor(name: string, settings: RateLimitSettings, buckets: Buckets) {
    this.name = name;
    this.#settings = settings;
    this.#buckets = buckets;
    this.#limit = buckets.limitId(settings.id);
    this.#rate = prepareRate(name, settings, '');
    this.#tiers = settings.tiers.map((tier, index) => ({ ...prepareRate(name, tier, `${index} `), tier }));
    const { cost } = settings;
    this.#cost = typeof cost === 'number' ? cost : 0;
    this.#costHeader = typeof cost === 'number' ? undefined : cost.responseHeader;
  }

  createState(): State {
    return { rate: undefined, key: '', result: 0 };
  }

  onRequestHead(exchange: FilterExchange, state: State): Verdict {
    const rate = this.#rateFor(exchange);
    const key = rate.keyPrefix + limitKey(this.#settings.key, exchange);
    const result = this.#buckets.take(this.#limit, key, rate, this.#cost, this.#cost || 1);
    state.rate = rate;
    state.key = key;
    state.result = result;
    return result < 0 ? this.#refusal(-result) : undefined;
  }

  onResponseHead(exchange: FilterExchange, state: State): Verdict {
    const { rate, key } = state;
    if (rate === undefined) return undefined;
    const { responseFields: fields } = exchange;
    if (this.#costHeader !== undefined && state.result >= 0) {
      const cost = costOf(fieldValue(fields, this.#costHeader));
      if (cost > 0) state.result = this.#buckets.charge(this.#limit, key, rate, cost);
    }
    if (!this.#settings.headers) return undefined;
    append(fields, 'ratelimit-policy', rate.policy);
    append(fields, 'ratelimit', this.#left(rate, state.result));
    return undefined;
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

  #left({ intervalNs, capacity }: Rate, result: number): string {
    // What a refused request found is what it needed, less what was missing.
    const needed = this.#cost || 1;
    const owedNs = result >= 0 ? result : -result + (capacity - needed) * intervalNs;
    const left = Math.max(Math.floor(capacity - owedNs / intervalNs + 1e-6), 0);
    const waitNs = left >= needed ? owedNs : Math.max(owedNs - (capacity - needed) * intervalNs, 0);
    return `"${this.name}";r=${left};t=${seconds(waitNs)}`;
  }

  #refusal(waitNs: number): Refusal {
    return {
      kind: 'refusal',
      reason: 'rate_limited',
      fields: ['retry-after', String(seconds(waitNs))],
      members: {
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        'violated-policies': [this.name],
      },
    };
  }
}

function prepareRate(
  name: string,
  { requests, perSeconds, burst }: RateSettings,
  keyPrefix: string,
): PreparedRate {
  const intervalNs = (perSeconds * 1e9) / requests;
  return { keyPrefix, intervalNs, capacity: burst, policy: `"${name}";q=${requests};w=${perSeconds}` };
}

function seconds(ns: number): number {
  return Math.max(Math.ceil(ns / 1e9), 0);
}

function costOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Math.min(Number(text), costMax) : 0;
}

/** Several limits are one list (RFC 9651 section 3.1). */
function append(fields: string[], name: string, member: string): void {
  const before = listValue(fields, name);
  if (before === undefined) fields.push(name, member);
  else setField(fields, name, `${before}, ${member}`);
}
