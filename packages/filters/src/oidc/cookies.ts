/** Cookies of logins, as RFC 6265 has them. */

import { cookieValue } from '../request-source.ts';

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
    ...(isSecure || sameSite === 'None' ? ['Secure'] : []),
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

/** What `splitSession` made, put together from the cookies of a request; undefined where it is not whole. */
export function joinSession(
  header: string | undefined,
  name: string,
): { readonly count: number; readonly sealed: string } | undefined {
  const first = cookieValue(header, name);
  if (first === undefined || first.length < 3 || first.charCodeAt(1) !== dotCode) return undefined;
  const count = first.charCodeAt(0) - zeroCode;
  if (count < 1 || count > piecesMax) return undefined;
  let sealed = first.slice(2);
  for (let index = 1; index < count; index += 1) {
    const piece = cookieValue(header, pieceName(name, index));
    if (piece === undefined) return undefined;
    sealed += piece;
  }
  return { count, sealed };
}

export function pieceName(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`;
}

/** Logins of one browser that may be under way at a time, such as in several tabs. */
export const attemptsMax = 4;

export function attemptName(name: string, slot: number): string {
  return `${name}.login${slot}`;
}
