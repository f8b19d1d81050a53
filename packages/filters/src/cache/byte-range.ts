/** A part of a stored body (RFC 9110 section 14). */

import { fieldValue } from '../fields.ts';

/** First and last byte; `none`: nothing of it is there. */
export type ByteRange = { readonly first: number; readonly last: number } | 'none';

/**
 * The part of a stored 200 that the request wants; undefined: all of it. Of several parts, in other units, or of another answer than that which the
 * client has a part of (`If-Range`), it gets all.
 */
export function wantedRange(
  fields: readonly string[],
  bytes: number,
  header: (lowerName: string) => string | undefined,
): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header('range') ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (fieldValue(fields, 'accept-ranges')?.toLowerCase() === 'none') return undefined;
  const condition = header('if-range');
  if (condition !== undefined && !isSame(condition, fields)) return undefined;
  if (first === '') {
    const count = Math.min(Number(last), bytes);
    return count === 0 ? 'none' : { first: bytes - count, last: bytes - 1 };
  }
  if (last !== '' && Number(last) < Number(first)) return undefined;
  if (Number(first) >= bytes) return 'none';
  return { first: Number(first), last: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) };
}

/** Compared strongly: byte by byte the same (section 13.1.5). */
function isSame(condition: string, fields: readonly string[]): boolean {
  if (condition.startsWith('W/')) return false;
  return condition === fieldValue(fields, condition.startsWith('"') ? 'etag' : 'last-modified');
}
