// One spelling of a request-target, so that what was matched and authorised is what the upstream gets.

import type { Unparsed } from './parsed.ts';
import { unparsed } from './parsed.ts';

/**
 * Characters that some servers read as structure although they were escaped, or are not what they look like. They stay
 * in the path as they were sent and are reported, so that the chosen Route can refuse them. Values are bits.
 */
export const encodedCharacters = { slash: 1, backslash: 2, question: 4, hash: 8, semicolon: 16 } as const;

export type EncodedCharacter = keyof typeof encodedCharacters;

const encodedOrder: readonly EncodedCharacter[] = ['slash', 'backslash', 'question', 'hash', 'semicolon'];

/**
 * `path` begins with `/` and is pure printable ASCII; `query` is as sent, without the `?`, and undefined without one
 * (`/a?` and `/a` differ); `encoded` has a bit of `encodedCharacters` for each kind that the path holds.
 */
export interface CanonicalPath {
  readonly ok: true;
  readonly path: string;
  readonly query: string | undefined;
  readonly encoded: number;
}

const PLAIN = 0;
const SLASH_OR_DOT = 1;
const QUESTION = 2;
const REWRITTEN = 3;
const REFUSED = 4;

const slashCode = 0x2f;
const percentCode = 0x25;
const classOf = classTable();

/** The bit of a byte, if it has one. */
const bitOf = new Uint8Array(256);
bitOf[0x2f] = encodedCharacters.slash;
bitOf[0x5c] = encodedCharacters.backslash;
bitOf[0x3f] = encodedCharacters.question;
bitOf[0x23] = encodedCharacters.hash;
bitOf[0x3b] = encodedCharacters.semicolon;

/**
 * Brings an origin-form request-target to its one spelling (RFC 3986 section 6.2.2): escapes of unreserved characters
 * decoded, others in upper case, characters that no URI may hold escaped, `.` and `..` removed (never above the root),
 * `//` merged unless `mergeSlashes` is false. Merging comes before `..` as in nginx and in file systems: `/a//../b` is
 * `/b`. The escapes of `/ \ ? # ;` and the raw `\` and `;` stay as they are, as bytes of a segment. The query is not
 * touched. Canonical paths are their own canonical form.
 *
 * Refused, with a sentence: no leading `/`, a control, space or non-ASCII character, `#`, an invalid escape, `%00`, and
 * over-long UTF-8 (RFC 3629 section 3), which hides ASCII characters from everyone but a careless decoder.
 *
 * Hot path: a target with nothing to rewrite costs one scan. All is linear in the length; the caller bounds that.
 */
export function canonicalPath(target: string, mergeSlashes = true): CanonicalPath | Unparsed {
  if (target.charCodeAt(0) !== slashCode) return unparsed('the path must begin with /');
  const length = target.length;
  let rewritten = false;
  let afterSlash = false;
  let at = 0;
  for (; at < length; at++) {
    const code = target.charCodeAt(at);
    const kind = code < 0x80 ? classOf[code] : REFUSED;
    if (kind === PLAIN) {
      afterSlash = false;
    } else if (kind === SLASH_OR_DOT) {
      if (afterSlash) rewritten = true;
      afterSlash = code === slashCode;
    } else if (kind === REWRITTEN) {
      rewritten = true;
      afterSlash = false;
    } else if (kind === QUESTION) {
      break;
    } else {
      return refusedCharacter(code, at, 'path');
    }
  }
  if (at === length)
    return rewritten ? rewrite(target, mergeSlashes, undefined) : canonical(target, undefined);
  for (let inQuery = at + 1; inQuery < length; inQuery++) {
    const code = target.charCodeAt(inQuery);
    if (code <= 0x20 || code >= 0x7f || code === 0x23) return refusedCharacter(code, inQuery, 'query');
  }
  const path = target.slice(0, at);
  const query = target.slice(at + 1);
  return rewritten ? rewrite(path, mergeSlashes, query) : canonical(path, query);
}

/** The mask for a list of names, as a Route's `allowEncoded` writes them. */
export function encodedMask(names: Iterable<EncodedCharacter>): number {
  let mask = 0;
  for (const name of names) mask |= encodedCharacters[name];
  return mask;
}

/** The names in a mask, always in the same order. */
export function encodedNames(mask: number): EncodedCharacter[] {
  return encodedOrder.filter((name) => (mask & encodedCharacters[name]) !== 0);
}

function canonical(path: string, query: string | undefined, encoded = 0): CanonicalPath {
  return { ok: true, path, query, encoded };
}

function rewrite(raw: string, mergeSlashes: boolean, query: string | undefined): CanonicalPath | Unparsed {
  let text = '';
  let copied = 0;
  for (let at = 0; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (code === percentCode) {
      const byte = escapedByte(raw, at);
      if (byte < 0)
        return unparsed(`the path has an invalid escape at byte ${at}; write a percent sign as %25`);
      if (byte === 0) return unparsed(`the path has %00 at byte ${at}, which no Route may allow`);
      if (isOverlong(raw, at, byte)) return unparsed(`the path has over-long UTF-8 at byte ${at}`);
      text += raw.slice(copied, at) + (isUnreserved(byte) ? String.fromCharCode(byte) : escapeOf(byte));
      at += 2;
      copied = at + 1;
    } else if (classOf[code] === REWRITTEN && code !== 0x5c && code !== 0x3b) {
      text += raw.slice(copied, at) + escapeOf(code);
      copied = at + 1;
    }
  }
  const path = removeDotSegments(text + raw.slice(copied), mergeSlashes);
  return canonical(path, query, encodedIn(path));
}

/** Asked of the result, since a `..` may have removed the segment that held one. */
function encodedIn(path: string): number {
  let mask = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code === percentCode) mask |= bitOf[escapedByte(path, at)] ?? 0;
    else if (code === 0x5c || code === 0x3b) mask |= bitOf[code] ?? 0;
  }
  return mask;
}

/** RFC 3986 section 5.2.4 on whole segments; each segment is pushed and popped once at most, so it is linear. */
function removeDotSegments(path: string, mergeSlashes: boolean): string {
  const segments = path.split('/');
  const last = segments.length - 1;
  const kept: string[] = [];
  for (let index = 1; index <= last; index++) {
    const segment = segments[index] ?? '';
    if (segment === '..') kept.pop();
    const isDots = segment === '.' || segment === '..';
    if (isDots ? index === last : segment !== '' || index === last || !mergeSlashes) {
      kept.push(isDots ? '' : segment);
    }
  }
  return `/${kept.join('/')}`;
}

/** The byte of the escape at `at`, or -1. */
function escapedByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Whether the escape at `at` begins a UTF-8 sequence that is longer than its character needs. */
function isOverlong(text: string, at: number, byte: number): boolean {
  if (byte !== 0xc0 && byte !== 0xc1 && byte !== 0xe0 && byte !== 0xf0) return false;
  if (text.charCodeAt(at + 3) !== percentCode) return false;
  const next = escapedByte(text, at + 3);
  const end = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0xc0;
  return next >= 0x80 && next < end;
}

function isUnreserved(code: number): boolean {
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  const isDigit = code >= 0x30 && code <= 0x39;
  return isLetter || isDigit || code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e;
}

function escapeOf(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function refusedCharacter(code: number, at: number, where: string): Unparsed {
  if (code === 0x23) return unparsed(`the ${where} holds a fragment (# at byte ${at}), which is never sent`);
  const name = `0x${code.toString(16).padStart(2, '0')}`;
  return unparsed(`the ${where} holds the character ${name} at byte ${at}; it must be percent-encoded`);
}

function classTable(): Uint8Array {
  const table = new Uint8Array(128).fill(PLAIN);
  for (let code = 0; code <= 0x20; code++) table[code] = REFUSED;
  table[0x7f] = REFUSED;
  for (const character of '%;\\"<>^`{|}[]') table[character.charCodeAt(0)] = REWRITTEN;
  table[slashCode] = SLASH_OR_DOT;
  table[0x2e] = SLASH_OR_DOT;
  table[0x3f] = QUESTION;
  table[0x23] = REFUSED;
  return table;
}
