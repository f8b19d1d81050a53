/** What may be done with a stored answer for a request (RFC 9111 section 4). */

import { fieldValue } from '../fields.ts';
import { type Directives, directiveMs, parseDirectives, parseHttpDate } from './directives.ts';
import type { Terms } from './storage-rules.ts';

/**
 * `fresh`, `stale`: it is given. `behind`: it is given, and asked about in the background. `expired`: the upstream is asked. `asked`: so it is, for
 * the client wants it.
 */
export type Use = 'fresh' | 'stale' | 'behind' | 'expired' | 'asked';

export function useOf(terms: Terms, ageMs: number, request: Directives): Use {
  const { lifetimeMs } = terms;
  if (request.has('no-cache')) return 'asked';
  const maxAgeMs = directiveMs(request, 'max-age');
  if (maxAgeMs !== undefined && ageMs > maxAgeMs) return 'asked';
  const minFreshMs = directiveMs(request, 'min-fresh') ?? 0;
  if (lifetimeMs - ageMs < minFreshMs && ageMs < lifetimeMs) return 'asked';
  if (terms.isAlwaysValidated) return 'expired';
  const staleMs = ageMs - lifetimeMs;
  if (staleMs < 0) return 'fresh';
  if (minFreshMs > 0) return 'asked';
  if (!terms.isNeverStale && staleMs <= maxStaleMs(request)) return 'stale';
  return staleMs <= terms.staleWhileRevalidateMs && terms.staleWhileRevalidateMs > 0 ? 'behind' : 'expired';
}

/** Without a number any age will do. */
function maxStaleMs(request: Directives): number {
  if (request.get('max-stale') === '') return Infinity;
  return directiveMs(request, 'max-stale') ?? -1;
}

/** Whether it is given where the upstream has failed. */
export function mayStandIn({ staleIfErrorMs, lifetimeMs }: Terms, ageMs: number): boolean {
  return staleIfErrorMs > 0 && ageMs - lifetimeMs <= staleIfErrorMs;
}

/** Pragma counts where there is no Cache-Control (section 5.4). */
export function requestDirectives(header: (lowerName: string) => string | undefined): Directives {
  const control = header('cache-control');
  if (control !== undefined) return parseDirectives(control);
  return /\bno-cache\b/i.test(header('pragma') ?? '') ? onlyNoCache : parseDirectives(undefined);
}

const onlyNoCache: Directives = new Map([['no-cache', '']]);

/** Whether the client has what a stored 200 would give it (RFC 9110 section 13.2.2, RFC 9111 section 4.3.2). */
export function isNotModified(
  fields: readonly string[],
  header: (lowerName: string) => string | undefined,
): boolean {
  const wanted = header('if-none-match');
  if (wanted !== undefined) {
    if (wanted.trim() === '*') return true;
    const tag = fieldValue(fields, 'etag');
    return tag !== undefined && (wanted.match(entityTag) ?? []).some((each) => opaque(each) === opaque(tag));
  }
  const since = header('if-modified-since');
  const sinceMs = since === undefined ? undefined : parseHttpDate(since);
  if (sinceMs === undefined) return false;
  const modified = parseHttpDate(fieldValue(fields, 'last-modified') ?? fieldValue(fields, 'date') ?? '');
  return modified !== undefined && modified <= sinceMs;
}

const entityTag = /(?:W\/)?"[^"]*"/g;

/** Compared weakly (RFC 9110 section 8.8.3.2). */
function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** The fields of a 304 in place of a 200: those that say something of caching, and none that tell of the body (RFC 9110 section 15.4.5). */
export function notModifiedFields(fields: readonly string[]): string[] {
  return pairsOf(fields, (name) => !ofTheBody.has(name));
}

/** A stored answer's fields after a 304 (RFC 9111 section 3.2): each that it names in place of the stored one. */
export function freshenedFields(stored: readonly string[], confirmed: readonly string[]): string[] {
  const replaced = new Set<string>();
  const news = pairsOf(confirmed, (name) => {
    // It confirms the stored tag, which filters may have made another than the upstream's.
    if (ofTheBody.has(name) || name === 'etag') return false;
    replaced.add(name);
    return true;
  });
  return [...pairsOf(stored, (name) => !replaced.has(name)), ...news];
}

const ofTheBody: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
]);

/** What is kept of an answer's fields: neither what belongs to one way of it nor what is made anew whenever it is given. */
export function storedFields(fields: readonly string[]): string[] {
  return pairsOf(fields, (name) => !dropped.has(name));
}

const dropped: ReadonlySet<string> = new Set([
  'age',
  'warning',
  'x-request-id',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
]);

function pairsOf(fields: readonly string[], isWanted: (lowerName: string) => boolean): string[] {
  const pairs: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    if (isWanted(fields[at]!.toLowerCase())) pairs.push(fields[at]!, fields[at + 1]!);
  return pairs;
}
