/** Cookies of logins, as RFC 6265 has them. */

import { cookieValues } from '../request-source.ts';

export interface CookieSettings {
  readonly name: string;
  readonly ttlMs: number;
  /** "Lax", "Strict" or "None" */
  readonly sameSite: string;
  /** Undefined: of the host that was asked. */
  readonly domain: string | undefined;
}

/** Name and value of a cookie; browsers keep no larger one. */
export const cookieBytesMax = 4096;
/** A session that needs more is none: the node would have to take them all in one head. */
export const piecesMax = 5;
/** A browser has several of a name where parent domains, or settings of before, gave it theirs: so many are looked at. */
export const sameNameMax = 4;
/** So many ways to put pieces together are tried. */
const joinsMax = 16;
const dotCode = 0x2e;
const zeroCode = 0x30;
/** For the count, and the number in the name of a further piece. */
const pieceBytesSpare = 8;

export interface SetCookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** 0: it goes. */
  readonly maxAgeSeconds: number;
  readonly sameSite: string;
  readonly domain: string | undefined;
  readonly isSecure: boolean;
}

/** Value of a Set-Cookie field. */
export function setCookieText(cookie: SetCookie): string {
  const { name, value, path, maxAgeSeconds, sameSite, domain, isSecure } = cookie;
  return [
    `${name}=${value}`,
    `Path=${path}`,
    `Max-Age=${maxAgeSeconds}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    'HttpOnly',
    ...(isSecure || sameSite === 'None' || needsTls(name) ? ['Secure'] : []),
    `SameSite=${sameSite}`,
  ].join('; ');
}

/**
 * The values of a session's cookies, first to last; undefined: it is too large. How many there are stands in the first one and is part of
 * what is sealed, so that pieces of two sessions are none.
 */
export function splitSession(name: string, seal: (count: number) => string): string[] | undefined {
  const pieceMax = cookieBytesMax - name.length - pieceBytesSpare;
  const { length } = seal(0);
  const count = Math.ceil(length / pieceMax);
  if (count > piecesMax) return undefined;
  const sealed = seal(count);
  return Array.from({ length: count }, (_, index) => {
    const piece = sealed.slice(index * pieceMax, (index + 1) * pieceMax);
    return index === 0 ? `${count}.${piece}` : piece;
  });
}

export interface JoinedSession {
  readonly count: number;
  readonly sealed: string;
}

/** What `splitSession` may have made, put together from the cookies of a request in every way; none where nothing is whole. */
export function* joinSessions(header: string | undefined, name: string): Generator<JoinedSession> {
  let left = joinsMax;
  for (const first of cookieValues(header, name, sameNameMax)) {
    const count = countIn(first);
    if (count === undefined) continue;
    const pieces = Array.from({ length: count - 1 }, (_, index) =>
      cookieValues(header, pieceName(name, index + 1), sameNameMax),
    );
    const ways = pieces.reduce((product, { length }) => product * length, 1);
    for (let way = 0; way < ways && left > 0; way += 1) {
      left -= 1;
      yield { count, sealed: first.slice(2) + choose(pieces, way) };
    }
  }
}

/** One of each: `way` counts through all that could be chosen. */
function choose(pieces: readonly (readonly string[])[], way: number): string {
  let rest = way;
  let chosen = '';
  for (const same of pieces) {
    chosen += same[rest % same.length]!;
    rest = Math.trunc(rest / same.length);
  }
  return chosen;
}

function countIn(first: string): number | undefined {
  if (first.length < 3 || first.charCodeAt(1) !== dotCode) return undefined;
  const count = first.charCodeAt(0) - zeroCode;
  return count >= 1 && count <= piecesMax ? count : undefined;
}

/** Browsers take cookies of such names with Secure alone, from TLS alone. */
function needsTls(name: string): boolean {
  return /^__(host|secure)-/i.test(name);
}

/** Browsers take cookies of such names for all paths of one host alone. */
export function isOfHost(name: string): boolean {
  return /^__host-/i.test(name);
}

export function pieceName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`;
}

/** Logins of one browser that may be under way at a time, such as in several tabs. */
export const attemptsMax = 4;

/** Tells which of them a browser has, on every path: their own cookies come with the callback alone. */
export function slotsName(name: string): string {
  return `${name}.logins`;
}

export function attemptName(name: string, slot: number): string {
  return `${name}.login${slot}`;
}
