/** One request as the cache sees it, from its head to its end. */

import { hash } from 'node:crypto';

import { listValue } from '../fields.ts';
import type { FilterExchange } from '../filter.ts';
import type { Identity } from '../identity.ts';
import { readPart } from '../template.ts';
import { type CachedPlace, type Fill, fits, keyedQuery, type StoredAnswer } from './cache-store.ts';
import type { Directives } from './directives.ts';
import type { Draft } from './draft.ts';
import type { Flight, Landing, Waiter } from './flights.ts';
import type { KeySettings, Partition } from './partitions.ts';
import type { RequestFacts, Terms } from './storage-rules.ts';
import { steeringPart } from './steering.ts';
import { requestDirectives } from './use-rules.ts';

export class Visit implements Waiter {
  /** `given`: the answer came from the store. `unsafe`: it may change what is stored. */
  kind: 'bypassed' | 'unsafe' | 'asking' | 'given' = 'bypassed';
  isOver = false;
  key = '';
  place: CachedPlace | undefined;
  directives: Directives = new Map();
  /** Why the upstream is asked, as Cache-Status says it (RFC 9211 section 2.2). */
  forwarded: 'bypass' | 'miss' | 'stale' | 'request' = 'bypass';
  sentMs = 0;
  /** What is stored of it and may not be given as it is. */
  stale: StoredAnswer | undefined;
  /** What was stored of it last was for everybody. */
  isForAll = false;
  /** The upstream is asked whether it still stands. */
  isConfirming = false;
  fill: Fill | undefined;
  draft: Draft | undefined;
  /** Those that this one leads, or waits for. */
  flight: Flight | undefined;
  isWaiting = false;
  hasWaited = false;
  /** See `Partition`. */
  isUnknown = false;
  onLanding: (how: Landing) => void = () => {};
  #fields: readonly string[] = [];
  #identity: Identity | undefined;
  #isJudgedElsewhere = false;
  #caller: string | undefined;
  #lookalikes: readonly string[] | undefined;

  /** The request has come as far as the cache. */
  begin(exchange: FilterExchange, { vary, queryNames }: KeySettings, partition: Partition): void {
    this.#fields = exchange.upstreamFields;
    this.#identity = exchange.identity;
    this.#isJudgedElsewhere = exchange.isJudgedElsewhere;
    this.isUnknown = partition.isUnknown;
    this.directives = requestDirectives((name) => exchange.requestHeader(name));
    const { host, path, upstreamPath, routeName: route } = exchange;
    const query = keyedQuery(exchange.upstreamQuery, queryNames);
    this.place = { route, host, path, query, queryNames };
    // What the upstream is told of the client's side may stand in its answer, such as in a redirect to https.
    let key = `${partition.id}\n${exchange.authority.toLowerCase()}${path}${query === undefined ? '' : `?${query}`}`;
    // A filter before the cache has chosen another one.
    key += part(upstreamPath === path ? '' : upstreamPath);
    key += part(steeringPart(exchange));
    for (const name of told) key += part(this.select(name));
    for (const name of vary) key += part(this.select(name));
    for (const source of partition.sources) key += part(readPart(source, exchange));
    this.key = key;
  }

  /** The fields that go upstream are changed from now on. */
  keepFields(): void {
    this.#fields = this.#fields.slice();
  }

  /** Of a header what the upstream gets, as far as it is known here. */
  readonly select = (lowerName: string): string | undefined => {
    if (lowerName === 'x-consumer-name') return this.#identity?.consumer;
    if (lowerName === 'x-consumer-groups') return this.#identity?.groups.join(',') || undefined;
    return listValue(this.#fields, lowerName);
  };

  /** What an application may take for one of these headers (CGI reads `_` as `-`) is not looked at when answers are told apart. */
  hasLookalike(names: readonly string[]): boolean {
    const found = this.#foundLookalikes;
    return found.length > 0 && names.some((name) => found.includes(dashed(name)));
  }

  /** Under which answers stand that are for this caller alone. */
  get ownKey(): string {
    this.#caller ??= callerOf(this.#identity, this.select('authorization'));
    return `${this.key}\n${this.#caller}`;
  }

  /**
   * Under which requests wait for each other: those of one caller, for what is his own is not worth the wait of others; of all, where the answer
   * was for all before. What may keep an answer from being stored is the same for all of them, so that one such request tells nothing of others.
   */
  get flightKey(): string {
    let marks = this.#foundLookalikes.length > 0 ? '_' : '';
    for (const name of ['authorization', 'cookie']) if (this.select(name) !== undefined) marks += name;
    return `${this.isForAll ? this.key : this.ownKey}\n${marks}`;
  }

  get facts(): RequestFacts {
    const { directives } = this;
    return {
      directives,
      hasAuthorization: this.select('authorization') !== undefined,
      hasCookie: this.select('cookie') !== undefined,
      caller: this.#callerKind,
      isPersonal: this.isUnknown,
    };
  }

  accepts({ terms, selected }: { terms: Terms; selected: readonly (string | undefined)[] }): boolean {
    return (terms.isShared || !this.isForAll) && fits({ terms, selected }, this.select);
  }

  lead(flight: Flight): void {
    this.flight = flight;
    this.isWaiting = false;
  }

  land(how: Landing): void {
    this.isWaiting = false;
    if (how !== 'lead') this.flight = undefined;
    this.onLanding(how);
  }

  get #foundLookalikes(): readonly string[] {
    return (this.#lookalikes ??= lookalikes(this.#fields));
  }

  get #callerKind(): RequestFacts['caller'] {
    if (this.#isJudgedElsewhere) return 'unnamed';
    if (this.#identity === undefined) return 'nobody';
    const { consumer, claims } = this.#identity;
    return consumer === undefined && Object.keys(claims).length === 0 ? 'unnamed' : 'named';
  }
}

const told = ['x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port'];

/** No value holds a line end, and none a NUL. */
function part(value: string | undefined): string {
  return value === undefined ? '\n\0' : `\n${value}`;
}

/** Of every token another. */
const fleeting: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'jti', 'auth_time', 'at_hash', 'nonce']);

/**
 * All that the upstream may know of the caller. Two users of one Consumer are two, and so is who shows two credentials that go upstream: RFC 9111
 * section 3.5 lets an answer to Authorization be used again where it says so alone, and here for the same Authorization.
 */
function callerOf(identity: Identity | undefined, authorization: string | undefined): string {
  if (identity === undefined) return '';
  const { namespace, consumer, isConsumer, groups, scopes, claims, credentials } = identity;
  const steady = Object.entries(claims).filter(([name]) => !fleeting.has(name));
  const known = [namespace, consumer, isConsumer, groups, scopes, steady.toSorted(byName)];
  return hash('sha256', JSON.stringify([...known, credentials, authorization]), 'base64');
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function dashed(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** Hot path: hardly any request has a name with an underscore. */
function lookalikes(fields: readonly string[]): readonly string[] {
  let found: string[] | undefined;
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at]!.includes('_')) (found ??= []).push(dashed(fields[at]!));
  return found ?? nothing;
}

const nothing: readonly string[] = [];
