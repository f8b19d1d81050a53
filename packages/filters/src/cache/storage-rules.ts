/** Which answers a shared cache may keep, and for how long they are fresh (RFC 9111 sections 3 and 4.2). */

import { fieldValue, listValue } from '../fields.ts';
import { type Directives, directiveMs, parseDirectives, parseHttpDate } from './directives.ts';

export interface FreshnessSettings {
  /** For answers that say nothing of it; undefined: they are not stored. */
  readonly ttlMs: number | undefined;
  /** Unless the answer says otherwise. */
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** What the request was, as far as its answer depends on it. */
export interface RequestFacts {
  readonly directives: Directives;
  readonly hasAuthorization: boolean;
  readonly hasCookie: boolean;
  /**
   * Who asked, where the gateway has found out: `named` can be told apart from everybody else, of `unnamed` no more is known than that somebody
   * let him in; `nobody`: the gateway asked nobody.
   */
  readonly caller: 'named' | 'unnamed' | 'nobody';
  /** Its answer is for its own caller, whatever the answer says. */
  readonly isPersonal: boolean;
}

export interface ResponseFacts {
  readonly status: number;
  /** Flat; with Date. */
  readonly fields: readonly string[];
  /** When its head came, in milliseconds since 1970. */
  readonly receivedWallMs: number;
  /** From the request to the head. */
  readonly delayMs: number;
}

/** What holds for a stored answer; milliseconds. */
export interface Terms {
  readonly lifetimeMs: number;
  /** When its head came (section 4.2.3). */
  readonly initialAgeMs: number;
  /** It goes to everybody who is let in, else to its own caller alone. */
  readonly isShared: boolean;
  /** It is asked about before each use (no-cache). */
  readonly isAlwaysValidated: boolean;
  /** Clients that take stale answers do not get it either. */
  readonly isNeverStale: boolean;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Names of request headers, lower case. */
  readonly vary: readonly string[];
}

/** Why an answer is not stored. */
export type Obstacle =
  | 'status'
  | 'no-store'
  | 'private'
  | 'set-cookie'
  | 'vary'
  | 'partial'
  | 'authorization'
  | 'caller'
  | 'cookie'
  | 'no-freshness'
  | 'stale';

/** Final, understood, whole. */
const storable: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501,
]);
/** RFC 9110 section 15.1: may be kept though they do not say for how long. */
const heuristic: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

/** What holds for the answer, or why it is not stored. It answers a GET. */
export function judgeAnswer(
  answer: ResponseFacts,
  request: RequestFacts,
  settings: FreshnessSettings,
): Terms | Obstacle {
  const { status, fields } = answer;
  const control = parseDirectives(listValue(fields, 'cache-control'));
  if (!storable.has(status)) return 'status';
  if (control.has('no-store') || request.directives.has('no-store')) return 'no-store';
  if (control.has('private')) return 'private';
  if (fieldValue(fields, 'set-cookie') !== undefined) return 'set-cookie';
  if (fieldValue(fields, 'content-range') !== undefined) return 'partial';
  const vary = varyNames(fields);
  if (vary === undefined) return 'vary';
  const isShared = !request.isPersonal && (control.has('public') || control.has('s-maxage'));
  if (!isShared && request.caller === 'unnamed') return 'caller';
  // Section 3.5: without authentication here, nobody but the upstream knows whose answer it is.
  const isUnjudged = !isShared && request.caller === 'nobody';
  if (isUnjudged && request.hasAuthorization && !control.has('must-revalidate')) return 'authorization';
  const explicitMs = explicitLifetimeMs(answer, control);
  // Nobody said that it may be given to others, so what may be personal is not.
  const hasSession = request.hasCookie || (isUnjudged && request.hasAuthorization);
  if (explicitMs === undefined && !isShared && hasSession) return 'cookie';
  const lifetimeMs = explicitMs ?? heuristicLifetimeMs(status, control, settings);
  if (lifetimeMs === undefined) return 'no-freshness';
  const terms = {
    ...termsOf(control, settings),
    lifetimeMs,
    initialAgeMs: initialAgeMs(answer),
    isShared,
    vary,
  };
  return isOfUse(terms, fields) ? terms : 'stale';
}

function termsOf(
  control: Directives,
  settings: FreshnessSettings,
): Pick<Terms, 'isAlwaysValidated' | 'isNeverStale' | 'staleWhileRevalidateMs' | 'staleIfErrorMs'> {
  const isAlwaysValidated = control.has('no-cache');
  const mustRevalidate =
    isAlwaysValidated || control.has('must-revalidate') || control.has('proxy-revalidate');
  // For a shared cache s-maxage means proxy-revalidate (section 5.2.2.10), unless the answer itself says more (RFC 5861).
  const isNeverStale = mustRevalidate || control.has('s-maxage');
  const allowed = (directive: string, settingMs: number): number =>
    mustRevalidate ? 0 : (directiveMs(control, directive) ?? (isNeverStale ? 0 : settingMs));
  return {
    isAlwaysValidated,
    isNeverStale,
    staleWhileRevalidateMs: allowed('stale-while-revalidate', settings.staleWhileRevalidateMs),
    staleIfErrorMs: allowed('stale-if-error', settings.staleIfErrorMs),
  };
}

/** Section 4.2.1. */
function explicitLifetimeMs(
  { fields, receivedWallMs }: ResponseFacts,
  control: Directives,
): number | undefined {
  const maxAgeMs = directiveMs(control, 's-maxage') ?? directiveMs(control, 'max-age');
  if (maxAgeMs !== undefined) return maxAgeMs;
  const expires = listValue(fields, 'expires');
  if (expires === undefined) return undefined;
  // What is no date has expired (section 5.3).
  const expiresMs = parseHttpDate(expires);
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - dateMs(fields, receivedWallMs));
}

function heuristicLifetimeMs(
  status: number,
  control: Directives,
  { ttlMs }: FreshnessSettings,
): number | undefined {
  if (!heuristic.has(status)) return undefined;
  return ttlMs ?? (control.has('no-cache') ? 0 : undefined);
}

/** Section 4.2.3. */
function initialAgeMs({ fields, receivedWallMs, delayMs }: ResponseFacts): number {
  const apparentMs = Math.max(0, receivedWallMs - dateMs(fields, receivedWallMs));
  const age = fieldValue(fields, 'age');
  const ageMs = age !== undefined && /^\d+$/.test(age) ? Number(age) * 1000 : 0;
  return Math.max(apparentMs, ageMs + delayMs);
}

function dateMs(fields: readonly string[], receivedWallMs: number): number {
  const date = fieldValue(fields, 'date');
  return (date === undefined ? undefined : parseHttpDate(date)) ?? receivedWallMs;
}

/** What would be stale at once is worth its place where it may be confirmed or given stale. */
function isOfUse(terms: Omit<Terms, 'vary'>, fields: readonly string[]): boolean {
  if (validatorOf(fields) !== undefined) return true;
  if (terms.isAlwaysValidated) return false;
  const graceMs = Math.max(terms.staleWhileRevalidateMs, terms.staleIfErrorMs);
  return terms.initialAgeMs < terms.lifetimeMs + graceMs;
}

/** The field with which an upstream may be asked whether an answer still stands. */
export function validatorOf(fields: readonly string[]): 'etag' | 'last-modified' | undefined {
  if (fieldValue(fields, 'etag') !== undefined) return 'etag';
  return fieldValue(fields, 'last-modified') === undefined ? undefined : 'last-modified';
}

/** Undefined: nobody knows what it depends on (`*`). */
export function varyNames(fields: readonly string[]): string[] | undefined {
  const names = new Set<string>();
  // Upstreams forget to say it, and not every client can read what is encoded.
  if (fieldValue(fields, 'content-encoding') !== undefined) names.add('accept-encoding');
  for (const name of (listValue(fields, 'vary') ?? '').split(',')) {
    const trimmed = name.trim().toLowerCase();
    if (trimmed === '*') return undefined;
    if (trimmed !== '') names.add(trimmed);
  }
  return [...names];
}
