/** The filters of a Route, run over one exchange after the other. */

import { BodyPass, type BodyStage } from './body-pass.ts';
import {
  type Answer,
  type ClientMessage,
  cutsOff,
  type ExchangeOutcome,
  type Filter,
  type FilterExchange,
  type MessageRefusal,
  type Onward,
  type Refusal,
  type RefusalReason,
  type Sooner,
  takesBody,
  type Verdict,
  watchesBody,
} from './filter.ts';

/** Where an exchange stands in its chain. Lives in the owner, so that a request needs no object for it; only the chain changes it. */
export interface FilterProgress {
  /** Filters that the request has reached. */
  filtersEntered: number;
  /** Of these, the ones that the response has passed, from the last backwards. */
  filtersLeft: number;
  /** Changes whenever what a filter may still be waiting for is of no interest any more. */
  filterTurn: number;
  filterStates: unknown[] | undefined;
  /** Present where a filter takes the body: chunks and their end go in here. */
  requestPass: BodyPass | undefined;
  responsePass: BodyPass | undefined;
}

/** What every exchange begins with. */
export const freshProgress: Readonly<FilterProgress> = {
  filtersEntered: 0,
  filtersLeft: 0,
  filterTurn: 0,
  filterStates: undefined,
  requestPass: undefined,
  responsePass: undefined,
};

/**
 * Who owns the exchange: a node's relay. The chain calls back within the call that it is in, unless a filter waits; so the owner
 * goes on in these methods and nowhere else.
 *
 * - `chain.requestHead(owner)` once the Route is known: then comes `sendRequest`, or `replaceResponse` and what follows it.
 * - `chain.responseHead(owner)` when `responseStatus` and `responseFields` stand: the upstream's, or those of a response that the owner
 *   makes by itself, at any time (also while a filter waits, which is then no longer heard). Then comes `sendResponse`. Until then
 *   the owner holds the response's body back.
 * - Chunks: `owner.requestPass` and `owner.responsePass` where they are present, else the owner sends them straight on.
 *   With a pass that changes the body, the length that a message declared is not the length that comes out.
 * - `chain.end(owner, outcome)` when all is over, in any case.
 */
export interface FilterOwner extends FilterExchange, FilterProgress {
  /** Every filter has let the request pass. */
  sendRequest(): void;
  /** From now on this is the response: its status and fields are what filters see next. Lets go of an upstream that was asked. */
  replaceResponse(response: Answer | Refusal): void;
  /** Ends the exchange, and lets the client see nothing more. */
  cutOff(): void;
  /** Every filter has let the response pass; only now its head may go out. */
  sendResponse(): void;

  forwardRequestChunk(chunk: Uint8Array): void;
  forwardRequestEnd(): void;
  /** After `requestPass.write` returned false. The owner may have reasons of its own to wait on. */
  resumeRequest(): void;
  forwardResponseChunk(chunk: Uint8Array): void;
  forwardResponseEnd(): void;
  resumeResponse(): void;

  /** A hook failed: to be counted by `filter.kind` and logged with its stack. What becomes of the exchange is told apart from it. */
  onFilterError(filter: Filter, error: unknown): void;
  /** A filter has refused the request: to be counted. */
  onFilterRefusal(filter: Filter, reason: RefusalReason): void;
  /** A filter failed on a body: refuse with this or with `internal`, or cut the connection when the response has begun. */
  onBodyFilterFailed(refusal: Refusal | undefined): void;
  /** The owner's own code threw while the chain went on after a wait. */
  crash(error: unknown): void;
}

/** RFC 6455 section 7.4.1. */
const failed: MessageRefusal = { code: 1011, reason: 'the gateway failed' };

const internal: Refusal = { kind: 'refusal', reason: 'internal' };

/** Immutable and shared. A Route without filters has none, not an empty one. */
export class FilterChain {
  readonly filters: readonly Filter[];
  /** What they demand of those whom they let in. */
  readonly demands: readonly string[];
  /** Some want to see the messages of WebSockets. */
  readonly inspectsMessages: boolean;
  /** One of them answers CORS preflights. */
  readonly answersPreflights: boolean;
  readonly #hooks: readonly Hooks[];
  readonly #hasStates: boolean;
  readonly #hidesSecrets: boolean;
  readonly #route: object;
  readonly #onward: Onward[] = [];

  /** `filters` in the order in which requests meet them; `route` stands for the Route as it is written. */
  constructor(filters: readonly Filter[], route: object = {}) {
    this.filters = filters;
    this.#hooks = filters.map(hooksOf);
    this.#route = route;
    this.demands = filters.flatMap(({ demands }) => demands ?? []);
    this.inspectsMessages = filters.some((filter) => filter.onMessage !== undefined);
    this.answersPreflights = filters.some((filter) => filter.answersPreflights === true);
    this.#hidesSecrets = filters.some((filter) => filter.hideSecrets !== undefined);
    this.#hasStates = filters.some((filter) => 'createState' in filter);
  }

  /** What is behind the filter at this place. */
  onward(at: number): Onward {
    return (this.#onward[at] ??= { route: this.#route, filters: this.filters.slice(at + 1) });
  }

  requestHead(owner: FilterOwner): void {
    if (this.#hidesSecrets && (owner.query ?? owner.requestHeader('referer')) !== undefined)
      for (const filter of this.filters) filter.hideSecrets?.(owner);
    if (this.#hasStates) owner.filterStates = [];
    this.#requestFrom(owner);
  }

  responseHead(owner: FilterOwner): void {
    // A filter that still waits for its turn on the request, or on a response before this one, has missed it.
    owner.filterTurn += 1;
    owner.responsePass?.close();
    owner.responsePass = undefined;
    this.#responseFrom(owner);
  }

  /** Shows a message to the filters, in order, until one refuses it. A filter that fails refuses. */
  message(owner: FilterOwner, message: ClientMessage): MessageRefusal | undefined {
    for (const [at, filter] of this.filters.entries()) {
      try {
        const refusal = filter.onMessage?.(message, owner, owner.filterStates?.[at]);
        if (refusal !== undefined) return refusal;
      } catch (error) {
        owner.onFilterError(filter, error);
        return failed;
      }
    }
    return undefined;
  }

  /** Asks the filter at this place until when what it told holds now; undefined: it is over. */
  expire(owner: FilterOwner, at: number): number | undefined {
    const filter = this.filters[at]!;
    try {
      return filter.onExpire?.(owner, owner.filterStates?.[at]);
    } catch (error) {
      owner.onFilterError(filter, error);
      return undefined;
    }
  }

  /** Tells every filter that the request has reached, the innermost first. A second call does nothing. */
  end(owner: FilterOwner, outcome: ExchangeOutcome): void {
    owner.filterTurn += 1;
    owner.requestPass?.close();
    owner.responsePass?.close();
    const entered = owner.filtersEntered;
    owner.filtersEntered = 0;
    for (let at = entered - 1; at >= 0; at -= 1) {
      const { end } = this.#hooks[at]!;
      if (end === undefined) continue;
      try {
        end(owner, outcome, owner.filterStates?.[at]);
      } catch (error) {
        owner.onFilterError(this.filters[at]!, error);
      }
    }
  }

  #requestFrom(owner: FilterOwner): void {
    const { filters } = this;
    while (owner.filtersEntered < filters.length) {
      const at = owner.filtersEntered;
      owner.filtersEntered = at + 1;
      const verdict = this.#askRequest(owner, at);
      if (verdict instanceof Promise) return void this.#waitForRequest(owner, at, verdict);
      if (verdict !== undefined && !this.#takeRequestVerdict(owner, at, verdict)) return;
    }
    owner.sendRequest();
  }

  /** False: the request goes no further. */
  #takeRequestVerdict(owner: FilterOwner, at: number, verdict: NonNullable<Verdict>): boolean {
    if (verdict === takesBody || verdict === watchesBody) {
      owner.requestPass ??= new BodyPass(requestBodyOwner(owner));
      const stage = this.#stage(owner, at, 'onRequestChunk', 'onRequestEnd');
      owner.requestPass.addStage(stage, verdict === takesBody);
      return true;
    }
    owner.requestPass = undefined;
    if (verdict === cutsOff) {
      owner.cutOff();
      return false;
    }
    if (verdict.kind === 'refusal' && verdict !== internal)
      owner.onFilterRefusal(this.filters[at]!, verdict.reason);
    owner.replaceResponse(verdict);
    // A filter that failed does not see what it led to.
    if (verdict === internal) owner.filtersLeft = 1;
    this.responseHead(owner);
    return false;
  }

  async #waitForRequest(owner: FilterOwner, at: number, promise: Promise<Verdict>): Promise<void> {
    const turn = (owner.filterTurn += 1);
    const verdict = await this.#settled(owner, at, turn, promise);
    if (owner.filterTurn !== turn) return;
    try {
      if (verdict === undefined || this.#takeRequestVerdict(owner, at, verdict)) this.#requestFrom(owner);
    } catch (error) {
      owner.crash(error);
    }
  }

  #responseFrom(owner: FilterOwner): void {
    while (owner.filtersLeft < owner.filtersEntered) {
      owner.filtersLeft += 1;
      const at = owner.filtersEntered - owner.filtersLeft;
      const verdict = this.#askResponse(owner, at);
      if (verdict instanceof Promise) return void this.#waitForResponse(owner, at, verdict);
      if (verdict !== undefined && !this.#takeResponseVerdict(owner, at, verdict)) return;
    }
    owner.sendResponse();
  }

  /** False: there is no response any more. */
  #takeResponseVerdict(owner: FilterOwner, at: number, verdict: NonNullable<Verdict>): boolean {
    if (verdict === takesBody || verdict === watchesBody) {
      owner.responsePass ??= new BodyPass(responseBodyOwner(owner));
      const stage = this.#stage(owner, at, 'onResponseChunk', 'onResponseEnd');
      owner.responsePass.addStage(stage, verdict === takesBody);
      return true;
    }
    // Those further in asked for the body of another response.
    owner.responsePass = undefined;
    if (verdict === cutsOff) {
      owner.cutOff();
      return false;
    }
    owner.replaceResponse(verdict);
    return true;
  }

  async #waitForResponse(owner: FilterOwner, at: number, promise: Promise<Verdict>): Promise<void> {
    const turn = (owner.filterTurn += 1);
    const verdict = await this.#settled(owner, at, turn, promise);
    if (owner.filterTurn !== turn) return;
    try {
      if (verdict === undefined || this.#takeResponseVerdict(owner, at, verdict)) this.#responseFrom(owner);
    } catch (error) {
      owner.crash(error);
    }
  }

  #askRequest(owner: FilterOwner, at: number): Sooner<Verdict> {
    const { createState, requestHead } = this.#hooks[at]!;
    try {
      let state: unknown;
      if (createState !== undefined) {
        state = createState();
        owner.filterStates![at] = state;
      }
      return requestHead?.(owner, state);
    } catch (error) {
      owner.onFilterError(this.filters[at]!, error);
      return internal;
    }
  }

  #askResponse(owner: FilterOwner, at: number): Sooner<Verdict> {
    const { responseHead } = this.#hooks[at]!;
    if (responseHead === undefined) return undefined;
    try {
      return responseHead(owner, owner.filterStates?.[at]);
    } catch (error) {
      owner.onFilterError(this.filters[at]!, error);
      return internal;
    }
  }

  /** What the filter says in the end. Of what nobody waits for any more, not even a failure is heard. */
  async #settled(owner: FilterOwner, at: number, turn: number, promise: Promise<Verdict>): Promise<Verdict> {
    try {
      return await promise;
    } catch (error) {
      if (owner.filterTurn === turn) owner.onFilterError(this.filters[at]!, error);
      return internal;
    }
  }

  #stage(
    owner: FilterOwner,
    at: number,
    chunkHook: 'onRequestChunk' | 'onResponseChunk',
    endHook: 'onRequestEnd' | 'onResponseEnd',
  ): BodyStage {
    const filter = this.filters[at]!;
    const state = owner.filterStates?.[at];
    return {
      // A filter that only adds to the end of a body lets its chunks pass.
      chunk: (chunk) => (filter[chunkHook] ? filter[chunkHook](chunk, owner, state) : chunk),
      end: () => filter[endHook]?.(owner, state),
      failed: (error) => owner.onFilterError(filter, error),
      refused: ({ reason }) => owner.onFilterRefusal(filter, reason),
    };
  }
}

/** What every request asks a filter. Hot path: filters are objects of all shapes, and these are of one. */
interface Hooks {
  readonly createState: Filter['createState'];
  readonly requestHead: Filter['onRequestHead'];
  readonly responseHead: Filter['onResponseHead'];
  readonly end: Filter['onEnd'];
}

function hooksOf(filter: Filter): Hooks {
  return {
    createState: filter.createState?.bind(filter),
    requestHead: filter.onRequestHead?.bind(filter),
    responseHead: filter.onResponseHead?.bind(filter),
    end: filter.onEnd?.bind(filter),
  };
}

function requestBodyOwner(owner: FilterOwner) {
  return {
    forward: (chunk: Uint8Array) => owner.forwardRequestChunk(chunk),
    forwardEnd: () => owner.forwardRequestEnd(),
    resume: () => owner.resumeRequest(),
    fail: (refusal?: Refusal) => owner.onBodyFilterFailed(refusal),
    crash: (error: unknown) => owner.crash(error),
  };
}

function responseBodyOwner(owner: FilterOwner) {
  return {
    forward: (chunk: Uint8Array) => owner.forwardResponseChunk(chunk),
    forwardEnd: () => owner.forwardResponseEnd(),
    resume: () => owner.resumeResponse(),
    fail: (refusal?: Refusal) => owner.onBodyFilterFailed(refusal),
    crash: (error: unknown) => owner.crash(error),
  };
}
