/** Which of its backends a Route sends a request to: by its session where it has one, else by weight. */

import type { AffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import type { AffinityCookie, AffinitySettings } from '../upstream/balancing/balancing-settings.ts';
import type { ChoiceRequest } from '../upstream/balancing/choice-request.ts';
import { CookieSigns } from '../upstream/balancing/cookie-signs.ts';
import { processRandom } from '../upstream/balancing/member.ts';
import { contenderSeed, highestScore } from '../upstream/balancing/rendezvous.ts';
import { RoundRobin } from '../upstream/balancing/round-robin.ts';

export interface RouteBackend {
  /** "namespace/name" */
  readonly service: string;
  readonly weight: number;
}

/** Lives as long as its Route does not change. Health does not matter here: a backend without a healthy endpoint fails its share. */
export class BackendChoice {
  readonly #route: string;
  readonly #affinity: AffinitySettings | undefined;
  readonly #rotation = new RoundRobin<string>(processRandom());
  readonly #contenders: readonly (RouteBackend & { readonly seed: number })[];
  #signs: CookieSigns<string> | undefined;

  /** `route`: "namespace/name" */
  constructor(route: string, backends: readonly RouteBackend[], affinity: AffinitySettings | undefined) {
    this.#route = route;
    this.#affinity = affinity;
    this.#contenders = backends
      .filter(({ weight }) => weight > 0)
      .map((backend) => ({ ...backend, seed: contenderSeed(backend.service) }));
    this.#rotation.setMembers(
      this.#contenders.map(({ service: endpoint, weight }) => ({ endpoint, weight })),
    );
  }

  /** Whether `next` wants to see the request. */
  get looksAtRequest(): boolean {
    return this.#affinity !== undefined;
  }

  /** A Service; undefined when all weights are 0. By weight it is exact over each full cycle. */
  next(request: ChoiceRequest | undefined, keys: AffinityKeys): string | undefined {
    const affinity = this.#affinity;
    if (request === undefined || affinity === undefined) return this.#rotation.pick();
    if (affinity.cookie !== undefined) return this.#nextByCookie(request, affinity.cookie, keys);
    const key = request.valueOf(affinity.by);
    if (key === undefined) return this.#rotation.pick();
    const found = highestScore(key, this.#contenders);
    if (found !== undefined) request.note('kept');
    return found?.service;
  }

  #nextByCookie(request: ChoiceRequest, cookie: AffinityCookie, keys: AffinityKeys): string | undefined {
    const signs = (this.#signs ??= this.#makeSigns(keys));
    const sent = request.signIn(cookie, signs.tag);
    const own = sent === undefined ? undefined : signs.find(sent)?.target;
    const next = own ?? this.#rotation.pick();
    if (next === undefined) return undefined;
    request.note(own !== undefined ? 'kept' : sent === undefined ? 'new' : 'moved');
    request.setSign(cookie, signs.tag, signs.signOf(next)!);
    return next;
  }

  #makeSigns(keys: AffinityKeys): CookieSigns<string> {
    const signs = new CookieSigns<string>(`route ${this.#route}`, keys, (service) => service);
    signs.setTargets(this.#contenders.map(({ service }) => service));
    return signs;
  }
}
