/** The answers that a worker keeps: bounded in bytes, the longest unused go first. */

import type { Steps } from '@causeway/runtime/work-slices';

import { onlyParameters } from '../query-value.ts';
import type { Terms } from './storage-rules.ts';

/** What an answer is the answer to, as people name it. */
export interface CachedPlace {
  /** "namespace/name" */
  readonly route: string;
  /** Without port. */
  readonly host: string;
  readonly path: string;
  /** As far as it is part of the key. */
  readonly query: string | undefined;
  /** Byte strings; undefined = all of it is. */
  readonly queryNames: ReadonlySet<string> | undefined;
}

/** What an unsafe request has changed. */
export type ChangedPlace = Pick<CachedPlace, 'host' | 'path' | 'query'>;

/** A field that the gateway itself sends is read off what the upstream gets. */
export type Selector = (lowerName: string) => string | undefined;

export interface AnswerToStore {
  readonly key: string;
  readonly place: CachedPlace;
  /** Of the fields that Vary names, in its order. */
  readonly selected: readonly (string | undefined)[];
  readonly terms: Terms;
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: Uint8Array;
  /** Monotonic. */
  readonly receivedMs: number;
}

export interface StoredAnswer extends AnswerToStore {
  readonly bytes: number;
  /** It is not stored any more. */
  isGone: boolean;
  /** Somebody asks the upstream about it, behind its back. */
  isRefreshing: boolean;
  /** The upstream has failed: until then it is not asked anew by those who may have this. */
  standsInUntilMs: number;
  newer: StoredAnswer | undefined;
  older: StoredAnswer | undefined;
}

/** Of an answer that is on its way; what is purged meanwhile must not come back by it. */
export interface Fill {
  readonly place: CachedPlace;
  isSpoilt: boolean;
}

export interface CacheCounts {
  stored: number;
  /** For want of room. */
  evicted: number;
  /** By a purge or an unsafe request. */
  purged: number;
  bytes: number;
  entries: number;
}

/** Which answers are to go; what is absent fits all. */
export interface PurgeQuery {
  /** "namespace/name"; absent: of every Route. */
  readonly route?: string;
  readonly host?: string;
  /** Canonical. */
  readonly path?: string;
  /** Of `path`: with every query where it has none. */
  readonly query?: string;
  /** Whole segments of a canonical path. */
  readonly prefix?: string;
}

/** What an answer takes besides its own bytes, measured; so the bytes bound their number too. */
const overheadBytes = 2048;
const overheadOfFieldBytes = 64;
/** All answers together that are on their way may take this part of the room, so that slow ones do not empty it; a single one may take all. */
const arrivingShare = 0.5;
/** More would fill the heap of a worker, whatever room the Gateway gives them. */
const entriesMax = 200_000;
/** At a time: some milliseconds. */
const evictionsMax = 2000;
/** Of one key; what varies more is hardly ever asked for twice. */
const variantsMax = 64;

export class CacheStore {
  readonly counts: CacheCounts = { stored: 0, evicted: 0, purged: 0, bytes: 0, entries: 0 };
  #bytesMax = 0;
  /** Of answers that are on their way. */
  #arrivingBytes = 0;
  readonly #byKey = new Map<string, StoredAnswer[]>();
  readonly #byUri = new Map<string, Set<StoredAnswer>>();
  readonly #fills = new Set<Fill>();
  #newest: StoredAnswer | undefined;
  #oldest: StoredAnswer | undefined;

  /** Without room nothing is ever stored. */
  get hasRoom(): boolean {
    return this.#bytesMax > 0;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#makeRoom();
  }

  /** The newest of the key that fits the request. */
  find(key: string, select: Selector): StoredAnswer | undefined {
    const variants = this.#byKey.get(key);
    if (variants === undefined) return undefined;
    for (let at = variants.length - 1; at >= 0; at -= 1) if (fits(variants[at]!, select)) return variants[at];
    return undefined;
  }

  /** It is used: others go before it. */
  touch(answer: StoredAnswer): void {
    if (answer === this.#newest) return;
    this.#unlink(answer);
    this.#link(answer);
    this.#makeRoom();
  }

  /** In the place of what the same request would have got, unless that is newer. Does nothing where there is no room for it at all. */
  put(answer: AnswerToStore): void {
    const bytes = headSize(answer) + answer.body.length;
    if (bytes > this.#bytesMax) return this.#makeRoom();
    const select: Selector = (name) => answer.selected[answer.terms.vary.indexOf(name)];
    const replaced = this.#byKey
      .get(answer.key)
      ?.filter(
        (before) =>
          before.terms.vary.every((name) => answer.terms.vary.includes(name)) && fits(before, select),
      );
    // The head of one may overtake the body of another.
    if (replaced?.some(({ receivedMs }) => receivedMs > answer.receivedMs) === true) return;
    for (const before of replaced ?? []) this.remove(before);
    const variants = this.#byKey.get(answer.key) ?? [];
    if (variants.length >= variantsMax) this.#evict(variants[0]!);
    const stored: StoredAnswer = {
      ...ownedAnswer(answer),
      bytes,
      isGone: false,
      isRefreshing: false,
      standsInUntilMs: 0,
      newer: undefined,
      older: undefined,
    };
    this.#byKey.set(answer.key, variants);
    variants.push(stored);
    const uri = uriOf(answer.place);
    const same = this.#byUri.get(uri);
    if (same === undefined) this.#byUri.set(uri, new Set([stored]));
    else same.add(stored);
    this.#link(stored);
    this.counts.bytes += bytes;
    this.counts.entries += 1;
    this.counts.stored += 1;
    this.#makeRoom();
  }

  /** Does nothing for one that is gone. */
  remove(answer: StoredAnswer): void {
    const uri = uriOf(answer.place);
    const same = this.#byUri.get(uri);
    if (same?.delete(answer) !== true) return;
    answer.isGone = true;
    if (same.size === 0) this.#byUri.delete(uri);
    const variants = this.#byKey.get(answer.key)!;
    variants.splice(variants.indexOf(answer), 1);
    if (variants.length === 0) this.#byKey.delete(answer.key);
    this.#unlink(answer);
    this.counts.bytes -= answer.bytes;
    this.counts.entries -= 1;
  }

  /** An answer is on its way. */
  enter(fill: Fill): void {
    this.#fills.add(fill);
  }

  leave(fill: Fill): void {
    this.#fills.delete(fill);
  }

  /** Stored answers make room for one on its way, which has reserved `before` already. False: what is on its way takes too much. */
  reserve(bytes: number, before = 0): boolean {
    const isAlone = this.#arrivingBytes === before;
    const bytesMax = isAlone ? this.#bytesMax : this.#bytesMax * arrivingShare;
    if (this.#arrivingBytes + bytes > bytesMax) return false;
    this.#arrivingBytes += bytes;
    this.#makeRoom();
    return true;
  }

  release(bytes: number): void {
    this.#arrivingBytes -= bytes;
  }

  /** What stands there has changed (RFC 9111 section 4.4), whichever Route gave it. */
  invalidate(changed: ChangedPlace): void {
    const uri = uriOf(changed);
    for (const answer of this.#byUri.get(uri) ?? []) this.#drop(answer);
    for (const fill of this.#fills) if (uriOf(fill.place) === uri) fill.isSpoilt = true;
  }

  /** Gives how many are gone. What is stored while it pauses may go too. */
  *purge(wanted: PurgeQuery): Steps<number> {
    for (const fill of this.#fills) if (isMeant(fill.place, wanted)) fill.isSpoilt = true;
    let count = 0;
    for (const variants of this.#byKey.values()) {
      for (const answer of variants.filter(({ place }) => isMeant(place, wanted))) {
        this.#drop(answer);
        count += 1;
      }
      yield;
    }
    return count;
  }

  #drop(answer: StoredAnswer): void {
    this.remove(answer);
    this.counts.purged += 1;
  }

  /** What is beyond a bound that has shrunk goes bit by bit, with what is stored and used. */
  #makeRoom(): void {
    for (let count = 0; count < evictionsMax; count += 1) {
      const { bytes, entries } = this.counts;
      const fitsIn = bytes + this.#arrivingBytes <= this.#bytesMax && entries <= entriesMax;
      if (this.#oldest === undefined || fitsIn) return;
      this.#evict(this.#oldest);
    }
  }

  #evict(answer: StoredAnswer): void {
    this.remove(answer);
    this.counts.evicted += 1;
  }

  #link(answer: StoredAnswer): void {
    answer.older = this.#newest;
    answer.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = answer;
    this.#newest = answer;
    this.#oldest ??= answer;
  }

  #unlink(answer: StoredAnswer): void {
    const { newer, older } = answer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}

export function fits(
  { terms, selected }: Pick<StoredAnswer, 'terms' | 'selected'>,
  select: Selector,
): boolean {
  const { vary } = terms;
  for (let at = 0; at < vary.length; at += 1) if (select(vary[at]!) !== selected[at]) return false;
  return true;
}

function uriOf({ host, path, query }: ChangedPlace): string {
  return query === undefined ? `${host}${path}` : `${host}${path}?${query}`;
}

function isMeant(place: CachedPlace, { route, host, path, query, prefix }: PurgeQuery): boolean {
  if (route !== undefined && place.route !== route) return false;
  if (host !== undefined && place.host !== host) return false;
  if (prefix !== undefined && !isBelow(place.path, prefix)) return false;
  if (path !== undefined && place.path !== path) return false;
  return query === undefined || keyedQuery(query, place.queryNames) === place.query;
}

function isBelow(path: string, prefix: string): boolean {
  const bare = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path === bare || path.startsWith(`${bare}/`);
}

/** What of a query is part of a key. */
export function keyedQuery(
  query: string | undefined,
  names: ReadonlySet<string> | undefined,
): string | undefined {
  return query === undefined || names === undefined ? query : onlyParameters(query, names);
}

/** What an answer takes without its body. */
export function headSize({ key, place, fields, selected, terms }: Omit<AnswerToStore, 'body'>): number {
  // The place is there once more as the name under which all answers of it are found.
  let bytes = overheadBytes + key.length + 2 * uriOf(place).length;
  for (let at = 0; at < fields.length; at += 2)
    bytes += overheadOfFieldBytes + fields[at]!.length + fields[at + 1]!.length;
  for (const [at, name] of terms.vary.entries())
    bytes += overheadOfFieldBytes + name.length + (selected[at]?.length ?? 0);
  return bytes;
}

/** A part of a text keeps all of it in memory: the head that it has come in, which may be far larger. */
function ownedAnswer(answer: AnswerToStore): AnswerToStore {
  const { place, fields, selected, terms } = answer;
  return {
    ...answer,
    place: {
      ...place,
      host: owned(place.host),
      path: owned(place.path),
      query: place.query && owned(place.query),
    },
    terms: { ...terms, vary: terms.vary.map(owned) },
    selected: selected.map((value) => value && owned(value)),
    // No value holds a line end.
    fields: fields.length === 0 ? [] : owned(fields.join('\n')).split('\n'),
  };
}

function owned(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
