/** Who gets a request, among the endpoints of one Service: by its session, by what it is hashed by, or by the policy. */

import { EndpointOwnWord } from '../../counts/endpoint-record.ts';
import { ServiceOwnWord } from '../../counts/service-record.ts';
import { isFailure, type TryOutcome } from '../try-outcome.ts';
import type { AffinityKeys } from './affinity-keys.ts';
import type { AffinityCookie, BalancingSettings } from './balancing-settings.ts';
import type { ChoiceRequest } from './choice-request.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { CookieSigns } from './cookie-signs.ts';
import { createBalancer } from './create-balancer.ts';
import { type ChoiceEndpoint, CurrentSelection, type SelectionParts } from './current-selection.ts';
import { keyHash } from './maglev.ts';
import type { Balancer, Member, Random } from './member.ts';

/** What it is chosen with. */
export interface ChoiceParts extends SelectionParts {
  /** Of the Service, "namespace/name". */
  readonly name: string;
  readonly keys: AffinityKeys;
  readonly random: Random;
}

const noneTried: readonly never[] = [];

/** A choice looks at a few endpoints, however many there are. */
export class EndpointChoice<E extends ChoiceEndpoint> {
  readonly #settings: BalancingSettings;
  readonly #parts: ChoiceParts;
  readonly #balancer: Balancer<E>;
  /** Chooses for tries that are not the first, so that these take no turn of a first one: where every second endpoint is bad, all would meet it. */
  #again: Balancer<E> | undefined;
  #members: readonly Member<E>[] = [];
  readonly #selection: CurrentSelection<E>;
  readonly #hash: ConsistentHash<E> | undefined;
  readonly #signs: CookieSigns<E> | undefined;

  constructor(settings: BalancingSettings, parts: ChoiceParts) {
    const { policy, affinity } = settings;
    this.#settings = settings;
    this.#parts = parts;
    this.#balancer = this.#createBalancer();
    this.#selection = new CurrentSelection<E>(settings, parts, (members) => {
      this.#members = members;
      this.#balancer.setMembers(members);
      this.#again?.setMembers(members);
    });
    if (policy === 'consistentHash' || affinity?.by !== undefined) this.#hash = new ConsistentHash();
    if (affinity?.cookie !== undefined)
      this.#signs = new CookieSigns(`service ${parts.name}`, parts.keys, ({ id }) => id);
  }

  /** Whether `pick` wants to see the request. */
  get looksAtRequest(): boolean {
    return this.#hash !== undefined || this.#signs !== undefined;
  }

  /** Takes the complete list; those that stay are the same objects. */
  setEndpoints(endpoints: readonly E[]): void {
    const weighted = endpoints.filter(({ weight }) => weight > 0);
    this.#hash?.setMembers(weighted.map((endpoint) => ({ endpoint, weight: endpoint.weight })));
    this.#signs?.setTargets(endpoints);
    this.#selection.setEndpoints(endpoints);
  }

  /** Resolves when keys are looked up among the endpoints that were set last. */
  async ready(): Promise<void> {
    await this.#hash?.ready();
  }

  /** `tried`: those that had this request already, after which another one gets it while there is one. Undefined when nobody may. */
  pick(request: ChoiceRequest | undefined, tried: readonly E[] = noneTried): E | undefined {
    this.#selection.keepCurrent();
    const { affinity } = this.#settings;
    if (request === undefined) return this.#pickAny(tried);
    if (affinity?.cookie !== undefined) return this.#pickByCookie(request, affinity.cookie, tried);
    const value = affinity && request.valueOf(affinity.by);
    return value === undefined
      ? this.#pickUnbound(request, tried)
      : this.#pickBySession(request, value, tried);
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
    // A request that is tried elsewhere is no session that moves.
    if (own?.standing.isAllowed === true && !isKept) return picked;
    request.note(isKept ? 'kept' : sent === undefined ? 'new' : 'moved');
    request.setSign(cookie, signs.tag, signs.signOf(picked)!);
    return picked;
  }

  #pickBySession(request: ChoiceRequest, value: string, tried: readonly E[]): E | undefined {
    const key = keyHash(value);
    const isGood = (endpoint: E): boolean => endpoint.standing.isAllowed && !tried.includes(endpoint);
    const picked = this.#pickByKey(key, isGood, tried);
    // The first try has said where the session is.
    if (picked !== undefined && tried.length === 0)
      request.note(picked === this.#hash?.ownerOf(key) ? 'kept' : 'moved');
    return picked;
  }

  /** For a session that has no place. */
  #pickUnbound(request: ChoiceRequest, tried: readonly E[]): E | undefined {
    const { hash, boundedLoadPercent } = this.#settings;
    const value = hash && request.valueOf(hash);
    if (value === undefined) return this.#pickAny(tried);
    const perWeight = boundedLoadPercent > 0 ? this.#activePerWeight(boundedLoadPercent) : Infinity;
    const isGood = (endpoint: E): boolean =>
      endpoint.standing.isSelected &&
      !tried.includes(endpoint) &&
      activeOf(endpoint) < Math.ceil(perWeight * endpoint.weight);
    return this.#pickByKey(keyHash(value), isGood, tried);
  }

  /** The most that may be in flight. */
  #activePerWeight(boundedLoadPercent: number): number {
    // Whoever picks has been admitted, so this request is among them.
    const active = this.#parts.record.roughSum(ServiceOwnWord.active);
    return ((boundedLoadPercent / 100) * active) / this.#selection.selectedWeight;
  }

  #pickByKey(key: number, isGood: (endpoint: E) => boolean, tried: readonly E[]): E | undefined {
    const found = this.#hash?.find(key, isGood);
    if (found !== undefined) return found;
    // Hardly anybody is left of many, or the first table is still being made: still the same one for the same key.
    const { selected } = this.#selection;
    const near = selected[key % selected.length];
    return near === undefined || tried.includes(near) ? this.#pickAny(tried) : near;
  }

  #pickAny(tried: readonly E[]): E | undefined {
    if (tried.length === 0) return this.#balancer.pick();
    this.#again ??= this.#createBalancer(this.#members);
    const picked = this.#again.pick();
    if (picked === undefined || !tried.includes(picked)) return picked;
    for (let left = tried.length; left > 0; left -= 1) {
      const other = this.#again.pick()!;
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

  #createBalancer(members: readonly Member<E>[] = []): Balancer<E> {
    const balancer = createBalancer<E>(this.#settings.policy, {
      activeOf,
      latencyOf: ({ standing }) => standing.latency,
      nowMs: () => this.#parts.nowMs(),
      random: this.#parts.random,
    });
    balancer.setMembers(members);
    return balancer;
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
}

function activeOf({ record }: ChoiceEndpoint): number {
  return record.roughSum(EndpointOwnWord.active);
}
