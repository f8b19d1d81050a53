/** So many requests at once, by whatever tells clients apart. */

import type { Filter, FilterExchange, Refusal, Sooner, Verdict } from './filter.ts';
import { limitKey } from './rate-limit/limit-key.ts';
import type { RequestSource } from './request-source.ts';

/** Places by key, counted over all workers of a node. A place that was taken is given back, also by the end of its worker. */
export interface Places {
  /** Undefined: there are `max` already. What it gives is for `leave`. */
  enter(key: string, max: number): object | undefined;
  leave(place: object): void;
}

export interface ConcurrencySettings {
  /** Of the object in which it is written, and its own name. */
  readonly id: string;
  readonly max: number;
  readonly key: readonly RequestSource[];
  readonly waitingMax: number;
  readonly waitMsMax: number;
}

export interface ConcurrencyServices {
  readonly places: Places;
  readonly monotonicMs: () => number;
}

interface State {
  place: object | undefined;
  waiting: Waiting | undefined;
}

interface Waiting {
  readonly key: string;
  readonly queuePlace: object;
  readonly dueMs: number;
  readonly state: State;
  readonly resolve: (verdict: Verdict) => void;
}

const overloaded: Refusal = { kind: 'refusal', reason: 'overloaded' };
/** Places that other workers give back are looked for so often, while somebody waits. */
const lookMs = 10;

export class ConcurrencyFilter implements Filter<State> {
  readonly kind = 'concurrency';
  readonly name: string;
  readonly #settings: ConcurrencySettings;
  readonly #services: ConcurrencyServices;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, settings: ConcurrencySettings, services: ConcurrencyServices) {
    this.name = name;
    this.#settings = settings;
    this.#services = services;
  }

  createState(): State {
    return { place: undefined, waiting: undefined };
  }

  onRequestHead(exchange: FilterExchange, state: State): Sooner<Verdict> {
    const { id, max, waitingMax } = this.#settings;
    const key = `${id} ${limitKey(this.#settings.key, exchange)}`;
    // Whoever waits goes before those who come now.
    const isFirst = this.#waiting.size === 0 || !this.#hasWaiting(key);
    state.place = isFirst ? this.#services.places.enter(key, max) : undefined;
    if (state.place !== undefined) return undefined;
    if (waitingMax === 0) return overloaded;
    const queuePlace = this.#services.places.enter(`${id} waiting`, waitingMax);
    return queuePlace === undefined ? overloaded : this.#wait(key, queuePlace, state);
  }

  /** However the exchange ended, and also when it still waited. */
  onEnd(_exchange: FilterExchange, _outcome: unknown, state: State): void {
    if (state.waiting !== undefined) this.#settle(state.waiting, undefined);
    if (state.place === undefined) return;
    this.#services.places.leave(state.place);
    state.place = undefined;
    this.#look();
  }

  #hasWaiting(key: string): boolean {
    for (const waiting of this.#waiting) if (waiting.key === key) return true;
    return false;
  }

  #wait(key: string, queuePlace: object, state: State): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const dueMs = this.#services.monotonicMs() + this.#settings.waitMsMax;
    state.waiting = { key, queuePlace, dueMs, state, resolve };
    this.#waiting.add(state.waiting);
    this.#timer ??= setInterval(() => this.#look(), lookMs);
    return promise;
  }

  /** Gives free places to those who wait, in their order, and lets go of those who have waited too long. */
  #look(): void {
    const { places, monotonicMs } = this.#services;
    const nowMs = this.#waiting.size === 0 ? 0 : monotonicMs();
    const full = new Set<string>();
    for (const waiting of this.#waiting) {
      const { key, dueMs, state } = waiting;
      if (!full.has(key)) state.place = places.enter(key, this.#settings.max);
      if (state.place !== undefined) this.#settle(waiting, undefined);
      else if (nowMs >= dueMs) this.#settle(waiting, overloaded);
      else full.add(key);
    }
  }

  #settle(waiting: Waiting, verdict: Verdict): void {
    waiting.state.waiting = undefined;
    this.#waiting.delete(waiting);
    this.#services.places.leave(waiting.queuePlace);
    waiting.resolve(verdict);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
