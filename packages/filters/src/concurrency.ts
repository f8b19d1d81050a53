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
  /** With one key. */
  readonly waitingMax: number;
  readonly waitMsMax: number;
}

export interface ConcurrencyServices {
  readonly places: Places;
  readonly monotonicMs: () => number;
}

interface State {
  key: string;
  place: object | undefined;
  waiting: Waiting | undefined;
}

interface Waiting {
  readonly queuePlace: object;
  readonly dueMs: number;
  readonly state: State;
  readonly resolve: (verdict: Verdict) => void;
}

const overloaded: Refusal = { kind: 'refusal', reason: 'overloaded' };
/** Places that other workers give back are looked for so often, while somebody waits. */
const lookMs = 10;
/** Most that wait in a worker, with all keys of a limit together. */
const waitingInAllMax = 10_000;

export class ConcurrencyFilter implements Filter<State> {
  readonly kind = 'concurrency';
  readonly name: string;
  readonly #settings: ConcurrencySettings;
  readonly #services: ConcurrencyServices;
  /** By key, in the order in which they came; none is empty. */
  readonly #queues = new Map<string, Set<Waiting>>();
  #waitingCount = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, settings: ConcurrencySettings, services: ConcurrencyServices) {
    this.name = name;
    this.#settings = settings;
    this.#services = services;
  }

  createState(): State {
    return { key: '', place: undefined, waiting: undefined };
  }

  onRequestHead(exchange: FilterExchange, state: State): Sooner<Verdict> {
    const { id, max, waitingMax } = this.#settings;
    const key = `${id} ${limitKey(this.#settings.key, exchange)}`;
    state.key = key;
    // Whoever waits goes before those who come now.
    state.place = this.#queues.has(key) ? undefined : this.#services.places.enter(key, max);
    if (state.place !== undefined) return undefined;
    if (waitingMax === 0 || this.#waitingCount >= waitingInAllMax) return overloaded;
    const queuePlace = this.#services.places.enter(`waiting ${key}`, waitingMax);
    return queuePlace === undefined ? overloaded : this.#wait(queuePlace, state);
  }

  /** However the exchange ended, and also when it still waited. */
  onEnd(_exchange: FilterExchange, _outcome: unknown, state: State): void {
    if (state.waiting !== undefined) this.#settle(state.waiting, undefined);
    if (state.place === undefined) return;
    this.#services.places.leave(state.place);
    state.place = undefined;
    const queue = this.#queues.get(state.key);
    if (queue !== undefined) this.#look(queue);
  }

  #wait(queuePlace: object, state: State): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const dueMs = this.#services.monotonicMs() + this.#settings.waitMsMax;
    state.waiting = { queuePlace, dueMs, state, resolve };
    const queue = this.#queues.get(state.key) ?? new Set();
    this.#queues.set(state.key, queue.add(state.waiting));
    this.#waitingCount += 1;
    this.#timer ??= setInterval(() => {
      for (const each of this.#queues.values()) this.#look(each);
    }, lookMs);
    return promise;
  }

  /** Gives free places to those who wait, in their order, and lets go of those who have waited too long. */
  #look(queue: Set<Waiting>): void {
    const { places, monotonicMs } = this.#services;
    const nowMs = monotonicMs();
    for (const waiting of queue) {
      const { dueMs, state } = waiting;
      state.place = places.enter(state.key, this.#settings.max);
      if (state.place !== undefined) this.#settle(waiting, undefined);
      else if (nowMs >= dueMs) this.#settle(waiting, overloaded);
      else return;
    }
  }

  #settle(waiting: Waiting, verdict: Verdict): void {
    const { key } = waiting.state;
    waiting.state.waiting = undefined;
    const queue = this.#queues.get(key)!;
    queue.delete(waiting);
    if (queue.size === 0) this.#queues.delete(key);
    this.#waitingCount -= 1;
    this.#services.places.leave(waiting.queuePlace);
    waiting.resolve(verdict);
    if (this.#waitingCount > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
