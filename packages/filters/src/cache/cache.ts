/** Keeps answers and gives them again: RFC 9111, as a shared cache. */

import { fieldValue } from '../fields.ts';
import {
  type Answer,
  type ExchangeOutcome,
  type Filter,
  type FilterExchange,
  type Sooner,
  type Verdict,
  watchesBody,
} from '../filter.ts';
import {
  ageOf,
  AnswerKeeper,
  type GivenAnswer,
  isFailure,
  noteFailure,
  setConditions,
} from './answer-keeper.ts';
import type { CacheStore, ChangedPlace, StoredAnswer } from './cache-store.ts';
import { Draft } from './draft.ts';
import { cacheStatus, givenAnswer, notStoredHere } from './given-answer.ts';
import type { Flights, FlightClock, Landing } from './flights.ts';
import { type CanonicalTarget, changedPlaces } from './changed-places.ts';
import { type FreshnessSettings, type Terms, validatorOf } from './storage-rules.ts';
import { mayStandIn, useOf } from './use-rules.ts';
import { type KeySettings, Partitions } from './partitions.ts';
import { ListedParameters, methodOverrides, steeringHeaders } from './steering.ts';
import { Visit } from './visit.ts';

export interface CacheSettings extends FreshnessSettings, KeySettings {
  readonly methods: readonly string[];
  readonly entryBytesMax: number;
  readonly collapses: boolean;
}

/** Of a worker, for all cache filters. */
export interface CacheServices extends FlightClock {
  readonly store: CacheStore;
  readonly flights: Flights;
  wallMs(): number;
  readonly canonical: CanonicalTarget;
  /** An unsafe request has changed it; the other workers of the node have it too. */
  tellChanged(place: ChangedPlace): void;
}

/** Requests that the cache can say nothing to: of a condition that only the upstream can judge, for another protocol, or of who knows which method. */
const beyond = ['if-match', 'if-unmodified-since', 'upgrade', ...methodOverrides];

/** RFC 9110 section 9.2.1, RFC 9111 section 4.4: what is not known to be safe is not. */
const safe: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'REPORT',
  'SEARCH',
]);

export class CacheFilter implements Filter<Visit> {
  readonly kind = 'cache';
  readonly name: string;
  readonly #settings: CacheSettings;
  readonly #services: CacheServices;
  readonly #partitions: Partitions;
  readonly #keeper: AnswerKeeper;
  /** Undefined: all are part of the key. */
  readonly #parameters: ListedParameters | undefined;

  constructor(name: string, settings: CacheSettings, services: CacheServices) {
    this.name = name;
    this.#settings = settings;
    this.#partitions = new Partitions(settings);
    this.#services = services;
    this.#keeper = new AnswerKeeper(settings, services);
    this.#parameters = settings.queryNames && new ListedParameters(settings.queryNames);
  }

  createState(): Visit {
    return new Visit();
  }

  onRequestHead(exchange: FilterExchange, visit: Visit): Sooner<Verdict> {
    const { methods, vary } = this.#settings;
    if (!safe.has(exchange.method)) {
      visit.kind = 'unsafe';
      return undefined;
    }
    if (!methods.includes(exchange.method)) return undefined;
    if (exchange.hasRequestBody || isAny(exchange, beyond) || this.#hasParameterLookalike(exchange)) {
      exchange.noteCache('bypass');
      return undefined;
    }
    visit.begin(exchange, this.#settings, this.#partitions.of(exchange.onward));
    if (visit.hasLookalike(steeringHeaders) || visit.hasLookalike(vary)) {
      exchange.noteCache('bypass');
      return undefined;
    }
    return exchange.requestHeader('range') === undefined
      ? this.#look(exchange, visit)
      : this.#lookForPart(exchange, visit);
  }

  onResponseHead(exchange: FilterExchange, visit: Visit): Sooner<Verdict> {
    switch (visit.kind) {
      case 'given':
        return undefined;
      case 'unsafe':
        this.#forget(exchange);
        return undefined;
      case 'bypassed':
        // It waited for too long, and is answered otherwise.
        if (visit.isWaiting) visit.flight?.leave(visit);
        visit.isOver ||= visit.isWaiting;
        if (exchange.isWholeOfUpstream)
          exchange.responseFields.push('cache-status', cacheStatus('fwd=bypass'));
        return undefined;
      case 'asking':
        return this.#onAnswer(exchange, visit);
    }
  }

  onResponseChunk(chunk: Uint8Array, _exchange: FilterExchange, visit: Visit): Uint8Array {
    const { draft } = visit;
    if (draft === undefined) return chunk;
    if (!draft.append(chunk)) this.#giveUp(visit);
    return chunk;
  }

  onResponseEnd(_exchange: FilterExchange, visit: Visit): undefined {
    const { draft, fill, flight } = visit;
    if (draft === undefined || fill === undefined) return;
    const answer = draft.finish();
    if (!fill.isSpoilt) this.#services.store.put(answer);
    visit.flight = undefined;
    this.#letGo(visit);
    flight?.end('look');
  }

  onEnd(_exchange: FilterExchange, { reason }: ExchangeOutcome, visit: Visit): void {
    visit.isOver = true;
    const { flight } = visit;
    visit.flight = undefined;
    this.#letGo(visit);
    if (flight === undefined) return;
    if (visit.isWaiting) flight.leave(visit);
    else if (reason === 'client_closed') flight.abandon();
    else flight.end('alone');
  }

  #hasParameterLookalike({ upstreamQuery: query }: FilterExchange): boolean {
    return query !== undefined && this.#parameters?.haveLookalike(query) === true;
  }

  get #nowMs(): number {
    return this.#services.monotonicMs();
  }

  /** Gives what is stored, waits for it, or lets the request pass. */
  #look(exchange: FilterExchange, visit: Visit): Sooner<Verdict> {
    const { store, flights } = this.#services;
    const nowMs = this.#nowMs;
    const found = this.#find(visit);
    visit.stale = found;
    visit.isForAll = found?.terms.isShared === true;
    let canWait = this.#settings.collapses && store.hasRoom && !visit.hasWaited;
    if (found !== undefined) {
      const ageMs = ageOf(found, nowMs);
      const use = useOf(found.terms, ageMs, visit.directives);
      const standsIn = use === 'expired' && nowMs < found.standsInUntilMs && mayStandIn(found.terms, ageMs);
      // What HEAD asks for has no body that could be stored.
      if (use === 'behind' && exchange.method === 'GET') this.#keeper.refresh(exchange, visit, found);
      if (use === 'fresh' || use === 'stale' || use === 'behind' || standsIn) {
        store.touch(found);
        const result = visit.hasWaited ? 'collapsed' : use === 'fresh' ? 'hit' : 'stale';
        return this.#give(exchange, visit, found, result, visit.hasWaited ? 'fwd=miss; collapsed' : 'hit');
      }
      visit.forwarded = use === 'asked' ? 'request' : 'stale';
      if (use === 'asked') canWait = false;
    } else visit.forwarded = 'miss';
    if (visit.directives.has('only-if-cached')) return this.#refuse(exchange, visit);
    const flight = canWait ? flights.find(visit.flightKey) : undefined;
    if (flight?.join(visit) === true) return this.#wait(exchange, visit, flight);
    return this.#forward(exchange, visit, canWait);
  }

  /** A part is given of what is fresh, and never stored. */
  #lookForPart(exchange: FilterExchange, visit: Visit): Verdict {
    const nowMs = this.#nowMs;
    const found = this.#find(visit);
    if (found !== undefined && useOf(found.terms, ageOf(found, nowMs), visit.directives) === 'fresh') {
      this.#services.store.touch(found);
      return this.#give(exchange, visit, found, 'hit', 'hit');
    }
    if (visit.directives.has('only-if-cached')) return this.#refuse(exchange, visit);
    exchange.noteCache('bypass');
    return undefined;
  }

  /** The client wants it from the cache or not at all. */
  #refuse(exchange: FilterExchange, visit: Visit): Answer {
    visit.kind = 'given';
    exchange.noteCache('miss');
    return notStoredHere(visit.forwarded);
  }

  #wait(exchange: FilterExchange, visit: Visit, flight: Visit['flight']): Promise<Verdict> {
    visit.flight = flight;
    visit.isWaiting = true;
    visit.hasWaited = true;
    const { promise, resolve } = Promise.withResolvers<Landing>();
    visit.onLanding = resolve;
    return promise.then((how) => {
      if (visit.isOver) return undefined;
      return how === 'look' ? this.#look(exchange, visit) : this.#forward(exchange, visit, false);
    });
  }

  /** `mayLead`: others may wait for its answer. */
  #forward(exchange: FilterExchange, visit: Visit, mayLead: boolean): undefined {
    const { store, flights } = this.#services;
    const { stale } = visit;
    visit.kind = 'asking';
    visit.sentMs = this.#nowMs;
    visit.keepFields();
    exchange.noteCache('miss');
    if (exchange.method !== 'GET' || visit.directives.has('no-store')) return this.#landOthers(visit);
    visit.fill = { place: visit.place!, isSpoilt: false };
    store.enter(visit.fill);
    visit.isConfirming = stale !== undefined && validatorOf(stale.fields) !== undefined;
    if (visit.isConfirming) setConditions(exchange.upstreamFields, stale!);
    // A condition of the client's own may bring an answer that says nothing to others.
    const isConditional = !visit.isConfirming && isAny(exchange, ['if-none-match', 'if-modified-since']);
    if (isConditional) return this.#landOthers(visit);
    if (mayLead && flights.find(visit.flightKey) === undefined) visit.flight = flights.begin(visit.flightKey);
    return undefined;
  }

  /** It was to lead, and cannot. */
  #landOthers(visit: Visit): undefined {
    const { flight } = visit;
    visit.flight = undefined;
    flight?.abandon();
  }

  #onAnswer(exchange: FilterExchange, visit: Visit): Sooner<Verdict> {
    const { responseStatus: status } = exchange;
    const { stale } = visit;
    if (exchange.isWholeOfUpstream && status === 304 && visit.isConfirming)
      return this.#confirmed(exchange, visit, stale!);
    if (stale !== undefined && !stale.isGone && isFailure(status)) {
      const nowMs = this.#nowMs;
      if (mayStandIn(stale.terms, ageOf(stale, nowMs))) {
        noteFailure(stale, nowMs);
        this.#settle(visit, 'look');
        return this.#give(exchange, visit, stale, 'stale', `fwd=${visit.forwarded}; fwd-status=${status}`);
      }
    }
    const terms = this.#judge(exchange, visit);
    const obstacle = typeof terms === 'string' ? terms : this.#begin(exchange, visit, terms);
    if (exchange.isWholeOfUpstream) {
      const what = obstacle === undefined ? 'stored' : `detail=${obstacle}`;
      exchange.responseFields.push('cache-status', cacheStatus(`fwd=${visit.forwarded}; ${what}`));
    }
    if (obstacle === undefined) return watchesBody;
    this.#supersede(exchange, visit);
    // What keeps back this one answer says nothing of the next: a failure, a purge, a condition of the client's own.
    const isOfItsOwn = isFailure(status) || status === 304 || obstacle === 'purged';
    if (visit.fill !== undefined && exchange.isWholeOfUpstream && !isOfItsOwn) this.#pass(visit);
    this.#settle(visit, 'alone');
    return undefined;
  }

  /** The answer that has come, as far as it can be told by its head. */
  #judge(exchange: FilterExchange, visit: Visit): Terms | string {
    if (!exchange.isWholeOfUpstream) return 'gateway';
    if (visit.fill === undefined) return exchange.method === 'GET' ? 'no-store' : 'method';
    if (visit.fill.isSpoilt) return 'purged';
    if ((exchange.responseBytes ?? 0) > this.#settings.entryBytesMax) return 'too-large';
    const { responseStatus: status, responseFields: fields } = exchange;
    return this.#keeper.judge(visit, { status, fields }, visit.sentMs);
  }

  /** Its body is kept as it passes, unless there is no room for it. */
  #begin(exchange: FilterExchange, visit: Visit, terms: Terms): 'no-room' | undefined {
    const { responseStatus: status, responseFields: fields, responseBytes = 0 } = exchange;
    const answer = this.#keeper.answerOf(visit, terms, { status, fields });
    const { store } = this.#services;
    visit.draft = Draft.begin(store, answer, responseBytes, this.#settings.entryBytesMax);
    if (visit.draft === undefined) return 'no-room';
    visit.flight?.onHead(answer);
    return undefined;
  }

  /** A 304: what is stored still stands, with news in its fields (RFC 9111 section 4.3.4). */
  async #confirmed(exchange: FilterExchange, visit: Visit, stale: StoredAnswer): Promise<Verdict> {
    const fields = exchange.responseFields.slice();
    // The end of the message comes along with its head, and leaves the connection fit for the next request.
    await Promise.resolve();
    if (visit.isOver) return undefined;
    const { sentMs, fill } = visit;
    const answer = this.#keeper.freshen(visit, stale, { fields, sentMs, keeps: fill?.isSpoilt !== true });
    this.#settle(visit, 'look');
    return this.#give(exchange, visit, answer, 'revalidated', `fwd=${visit.forwarded}; fwd-status=304`);
  }

  #give(
    exchange: FilterExchange,
    visit: Visit,
    answer: GivenAnswer,
    result: 'hit' | 'stale' | 'revalidated' | 'collapsed',
    how: string,
  ): Answer {
    visit.kind = 'given';
    exchange.noteCache(result);
    return givenAnswer(answer, ageOf(answer, this.#nowMs), how, exchange);
  }

  /** What is stored of it is not the answer any more. */
  #supersede(
    { method, responseStatus: status, responseFields: fields, isWholeOfUpstream }: FilterExchange,
    visit: Visit,
  ): void {
    const { stale } = visit;
    if (stale === undefined || !isWholeOfUpstream || status >= 500 || status === 304) return;
    // Section 4.3.5: a HEAD tells of the answer that a GET would get.
    if (method === 'HEAD' && fieldValue(fields, 'etag') === fieldValue(stale.fields, 'etag')) return;
    this.#services.store.remove(stale);
  }

  /** After a request that may have changed something, and has not failed (section 4.4). */
  #forget(exchange: FilterExchange): void {
    const { responseStatus: status } = exchange;
    if (!exchange.isWholeOfUpstream || status < 200 || status > 399) return;
    for (const place of changedPlaces(exchange, this.#settings.queryNames, this.#services.canonical)) {
      this.#services.store.invalidate(place);
      this.#services.tellChanged(place);
    }
  }

  /** Nothing of the body is kept after all. */
  #giveUp(visit: Visit): void {
    this.#pass(visit);
    this.#settle(visit, 'alone');
  }

  /** Nobody waits for the like of it, for a while. */
  #pass(visit: Visit): void {
    const { store, flights } = this.#services;
    if (this.#settings.collapses && store.hasRoom) flights.pass(visit.flightKey);
  }

  #settle(visit: Visit, how: Landing): void {
    const { flight } = visit;
    visit.flight = undefined;
    this.#letGo(visit);
    flight?.end(how);
  }

  #letGo(visit: Visit): void {
    const { store } = this.#services;
    visit.draft?.drop();
    if (visit.fill !== undefined) store.leave(visit.fill);
    visit.draft = undefined;
    visit.fill = undefined;
  }

  /** What is for all, or for this caller alone: the newer of both. */
  #find(visit: Visit): StoredAnswer | undefined {
    const { store } = this.#services;
    const shared = store.find(visit.key, visit.select);
    const own = store.find(visit.ownKey, visit.select);
    const found = own === undefined || (shared?.receivedMs ?? -Infinity) > own.receivedMs ? shared : own;
    return found !== undefined && visit.hasLookalike(found.terms.vary) ? undefined : found;
  }
}

function isAny(exchange: FilterExchange, names: readonly string[]): boolean {
  return names.some((name) => exchange.requestHeader(name) !== undefined);
}
