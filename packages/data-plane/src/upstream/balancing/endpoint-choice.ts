/** Who gets a request, among the endpoints of one Service: by its session, by what it is hashed by, or by the policy. */

import { EndpointHealth, EndpointOwnWord, EndpointWord } from '../../counts/endpoint-record.ts';
import { ServiceOwnWord, ServiceWord } from '../../counts/service-record.ts';
import type { SharedRecord } from '../../counts/shared-records.ts';
import { isFailure, type TryOutcome } from '../try-outcome.ts';
import type { AffinityKeys } from './affinity-keys.ts';
import type { AffinityCookie, BalancingSettings } from './balancing-settings.ts';
import type { ChoiceRequest } from './choice-request.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { CookieSigns } from './cookie-signs.ts';
import { createBalancer } from './create-balancer.ts';
import { keyHash } from './maglev.ts';
import type { Balancer, Random } from './member.ts';
import { type Candidate, selectMembers, type Selection } from './select-members.ts';
import { nextWarmthMs, warmthAt } from './slow-start.ts';
import type { Standing } from './standing.ts';

/** An endpoint, as the choice sees it. */
export interface ChoiceEndpoint extends Candidate {
  readonly id: string;
  readonly record: SharedRecord;
  readonly standing: Standing;
}

/** What it is chosen with. */
export interface ChoiceParts {
  /** Of the Service, "namespace/name". */
  readonly name: string;
  readonly record: SharedRecord;
  readonly keys: AffinityKeys;
  /** Of this node; undefined = none. */
  readonly zone: string | undefined;
  readonly random: Random;
  nowMs(): number;
}

const noneTried: readonly never[] = [];

/**
 * What changes rarely (endpoints, health, weights that grow) is worked out when a choice finds it changed; a choice itself looks at a few
 * endpoints, however many there are.
 */
export class EndpointChoice<E extends ChoiceEndpoint> {
  readonly #settings: BalancingSettings;
  readonly #parts: ChoiceParts;
  readonly #balancer: Balancer<E>;
  readonly #hash: ConsistentHash<E> | undefined;
  readonly #signs: CookieSigns<E> | undefined;
  #endpoints: readonly E[] = [];
  #selection: Selection<E> = { usable: [], allowed: [], selected: [] };
  #epoch = 0;
  #selectedWeight = 0;
  /** When a weight grows next. */
  #growsAtMs = Infinity;

  constructor(settings: BalancingSettings, parts: ChoiceParts) {
    const { policy, affinity } = settings;
    this.#settings = settings;
    this.#parts = parts;
    this.#balancer = createBalancer<E>(policy, {
      activeOf,
      latencyOf: ({ standing }) => standing.latency,
      nowMs: () => parts.nowMs(),
      random: parts.random,
    });
    if (policy === 'consistentHash' || affinity?.by !== undefined) this.#hash = new ConsistentHash();
    if (affinity?.cookie !== undefined)
      this.#signs = new CookieSigns(`service ${parts.name}`, parts.keys, ({ id }) => id);
  }

  /** Whether `pick` wants to see the request. */
  get looksAtRequest(): boolean {
    return this.#hash !== undefined || this.#signs !== undefined;
  }

  /** Takes the complete list. Who joins others starts slowly, where that is wanted. */
  setEndpoints(endpoints: readonly E[]): void {
    const isFirst = this.#endpoints.length === 0;
    for (const { standing } of this.#endpoints) standing.isAllowed = standing.isSelected = false;
    this.#endpoints = endpoints;
    // The first ones have nobody to learn from: they are as good as healthy before.
    if (isFirst) for (const { standing } of endpoints) standing.isHealthy = true;
    const weighted = endpoints.filter(({ weight }) => weight > 0);
    this.#hash?.setMembers(weighted.map((endpoint) => ({ endpoint, weight: endpoint.weight })));
    this.#signs?.setTargets(endpoints);
    this.#refresh();
  }

  /** Resolves when keys are looked up among the endpoints that were set last. */
  async ready(): Promise<void> {
    await this.#hash?.ready();
  }

  /** `tried`: those that had this request already, after which another one gets it while there is one. Undefined when nobody may. */
  pick(request: ChoiceRequest | undefined, tried: readonly E[] = noneTried): E | undefined {
    const { record } = this.#parts;
    if (record.load(ServiceWord.epoch) !== this.#epoch || this.#hasGrown()) this.#refresh();
    const { affinity } = this.#settings;
    if (request === undefined) return this.#pickAny(tried);
    if (affinity?.cookie !== undefined) return this.#pickByCookie(request, affinity.cookie, tried);
    const key = affinity && request.valueOf(affinity.by);
    return key === undefined ? this.#pickUnbound(request, tried) : this.#pickBySession(request, key, tried);
  }

  /** `headMs`: how long the head of the answer took, where there was one. */
  observe({ standing }: E, outcome: TryOutcome, headMs: number | undefined): void {
    if (this.#settings.policy !== 'peakEwma') return;
    if (outcome > 0) standing.latency.observe(headMs, this.#parts.nowMs());
    else if (isFailure(outcome)) standing.latency.observe(undefined, this.#parts.nowMs());
  }

  #pickByCookie(request: ChoiceRequest, cookie: AffinityCookie, tried: readonly E[]): E | undefined {
    const signs = this.#signs!;
    const sent = request.signIn(cookie, signs.tag);
    const own = sent === undefined ? undefined : signs.find(sent)?.target;
    const isKept = own?.standing.isAllowed === true && !tried.includes(own);
    const picked = isKept ? own : this.#pickUnbound(request, tried);
    if (picked === undefined) return undefined;
    request.note(isKept ? 'kept' : sent === undefined ? 'new' : 'moved');
    request.setSign(cookie, signs.tag, signs.signOf(picked)!);
    return picked;
  }

  #pickBySession(request: ChoiceRequest, value: string, tried: readonly E[]): E | undefined {
    const key = keyHash(value);
    const isGood = (endpoint: E): boolean => endpoint.standing.isAllowed && !tried.includes(endpoint);
    const picked = this.#hash?.find(key, isGood) ?? this.#nearest(key, tried) ?? this.#pickAny(tried);
    if (picked !== undefined) request.note(picked === this.#hash?.ownerOf(key) ? 'kept' : 'moved');
    return picked;
  }

  /** For a session that has no place. */
  #pickUnbound(request: ChoiceRequest, tried: readonly E[]): E | undefined {
    const { hash } = this.#settings;
    const value = hash && request.valueOf(hash);
    return value === undefined ? this.#pickAny(tried) : this.#pickByHash(keyHash(value), tried);
  }

  #pickByHash(key: number, tried: readonly E[]): E | undefined {
    const { boundedLoadPercent } = this.#settings;
    const perWeight = boundedLoadPercent > 0 ? this.#activePerWeight(boundedLoadPercent) : Infinity;
    const isGood = (endpoint: E): boolean =>
      endpoint.standing.isSelected &&
      !tried.includes(endpoint) &&
      activeOf(endpoint) < Math.ceil(perWeight * endpoint.weight);
    return this.#hash?.find(key, isGood) ?? this.#nearest(key, tried) ?? this.#pickAny(tried);
  }

  /** The most that may be in flight, with this request. */
  #activePerWeight(boundedLoadPercent: number): number {
    const active = this.#parts.record.roughSum(ServiceOwnWord.active) + 1;
    return ((boundedLoadPercent / 100) * active) / this.#selectedWeight;
  }

  /** Where the table finds nobody, because hardly anybody is left of many: still the same one for the same key. */
  #nearest(key: number, tried: readonly E[]): E | undefined {
    const { selected } = this.#selection;
    const found = selected[key % selected.length];
    return found === undefined || tried.includes(found) ? undefined : found;
  }

  #pickAny(tried: readonly E[]): E | undefined {
    const picked = this.#balancer.pick();
    if (picked === undefined || tried.length === 0 || !tried.includes(picked)) return picked;
    for (let again = tried.length; again > 0; again -= 1) {
      const other = this.#balancer.pick()!;
      if (!tried.includes(other)) return other;
    }
    const { selected, allowed, usable } = this.#selection;
    return (
      this.#untried(selected, tried) ??
      this.#untried(allowed, tried) ??
      this.#untried(usable, tried) ??
      picked
    );
  }

  /** Beginning anywhere, so that retries do not all meet the first one. */
  #untried(endpoints: readonly E[], tried: readonly E[]): E | undefined {
    const start = Math.floor(this.#parts.random() * endpoints.length);
    for (let count = 0; count < endpoints.length; count += 1) {
      const endpoint = endpoints[(start + count) % endpoints.length]!;
      if (!tried.includes(endpoint)) return endpoint;
    }
    return undefined;
  }

  #hasGrown(): boolean {
    return this.#growsAtMs < Infinity && this.#parts.nowMs() >= this.#growsAtMs;
  }

  #refresh(): void {
    // Before its words are read: what changes meanwhile is seen the next time.
    this.#epoch = this.#parts.record.load(ServiceWord.epoch);
    const nowMs = this.#parts.nowMs();
    for (const endpoint of this.#endpoints) {
      const { standing } = endpoint;
      const isHealthy = isWell(endpoint);
      if (isHealthy && !standing.isHealthy) standing.warmSinceMs = nowMs;
      standing.isHealthy = isHealthy;
      standing.isAllowed = standing.isSelected = false;
    }
    const isHealthy = ({ standing }: E): boolean => standing.isHealthy;
    this.#selection = selectMembers(this.#endpoints, isHealthy, this.#settings, this.#parts.zone);
    const { allowed, selected } = this.#selection;
    for (const { standing } of allowed) standing.isAllowed = true;
    for (const { standing } of selected) standing.isSelected = true;
    this.#selectedWeight = selected.reduce((sum, { weight }) => sum + weight, 0);
    this.#balance(selected, nowMs);
  }

  /** Where nobody warms up, weights are what was written, so that cycles are no longer than they must be. */
  #balance(selected: readonly E[], nowMs: number): void {
    const { slowStartMs } = this.#settings;
    const growsAtMs = ({ standing }: E): number => nextWarmthMs(standing.warmSinceMs, nowMs, slowStartMs);
    this.#growsAtMs =
      slowStartMs === 0
        ? Infinity
        : selected.reduce((first, one) => Math.min(first, growsAtMs(one)), Infinity);
    const warmth = ({ standing }: E): number =>
      this.#growsAtMs === Infinity ? 1 : warmthAt(standing.warmSinceMs, nowMs, slowStartMs);
    this.#balancer.setMembers(
      selected.map((endpoint) => ({ endpoint, weight: endpoint.weight * warmth(endpoint) })),
    );
  }
}

function activeOf({ record }: ChoiceEndpoint): number {
  return record.roughSum(EndpointOwnWord.active);
}

/** What is unknown takes requests. */
function isWell({ record }: ChoiceEndpoint): boolean {
  return (
    record.load(EndpointWord.health) !== EndpointHealth.unhealthy && record.load(EndpointWord.ejected) === 0
  );
}
