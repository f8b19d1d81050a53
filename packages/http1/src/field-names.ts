/**
 * Field names as strings, from a table of those seen lately. The same few dozen names make up nearly all traffic: finding one costs
 * a comparison of bytes instead of a new string, a lowered copy and a hash.
 */

import type { Buffer } from 'node:buffer';

/** Fields whose meaning the codec itself needs. */
export const FieldKind = {
  other: 0,
  contentLength: 1,
  transferEncoding: 2,
  connection: 3,
  host: 4,
  expect: 5,
  upgrade: 6,
} as const;

const kinds: ReadonlyMap<string, number> = new Map([
  ['content-length', FieldKind.contentLength],
  ['transfer-encoding', FieldKind.transferEncoding],
  ['connection', FieldKind.connection],
  ['host', FieldKind.host],
  ['expect', FieldKind.expect],
  ['upgrade', FieldKind.upgrade],
]);

const slotCount = 512;
/** Longer names are rare, and are not kept. */
const nameBytesMax = 40;
/** For names that are not kept. */
const passingSlot = slotCount;

const bytes = new Uint8Array(slotCount * nameBytesMax);
const lengths = new Uint8Array(slotCount + 1);

/** By slot: the name as sent, the same in lower case, and its kind. Read them before the next name is looked for. */
export const sentNames: string[] = Array.from({ length: slotCount + 1 }, () => '');
export const lowerNames: string[] = Array.from({ length: slotCount + 1 }, () => '');
export const nameKinds = new Uint8Array(slotCount + 1);

/** The slot that describes the name at `start` to `end`, which are tokens already. */
export function findName(source: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length > nameBytesMax) return fillSlot(passingSlot, source, start, end);
  const slot = slotOf(source, start, end);
  if (lengths[slot] !== length) return keepName(slot, source, start, end);
  const from = slot * nameBytesMax;
  for (let at = 0; at < length; at += 1) {
    if (bytes[from + at] !== source[start + at]) return keepName(slot, source, start, end);
  }
  return slot;
}

/** Hot path: four bytes and the length tell the usual names apart; whatever collides only takes turns. */
function slotOf(source: Buffer, start: number, end: number): number {
  const length = end - start;
  const middle = start + (length >> 1);
  const before = end > start + 2 ? end - 3 : start;
  let hash = length;
  hash = Math.imul(hash, 31) + source[start]!;
  hash = Math.imul(hash, 31) + source[middle]!;
  hash = Math.imul(hash, 31) + source[before]!;
  hash = Math.imul(hash, 31) + source[end - 1]!;
  return (hash ^ (hash >>> 9)) & (slotCount - 1);
}

function keepName(slot: number, source: Buffer, start: number, end: number): number {
  const from = slot * nameBytesMax;
  for (let at = start; at < end; at += 1) bytes[from + at - start] = source[at]!;
  lengths[slot] = end - start;
  return fillSlot(slot, source, start, end);
}

function fillSlot(slot: number, source: Buffer, start: number, end: number): number {
  // A string of its own: a part of the head's text would keep that text alive for as long as the name is known.
  const sent = source.toString('latin1', start, end);
  const lower = sent.toLowerCase();
  sentNames[slot] = sent;
  lowerNames[slot] = lower;
  nameKinds[slot] = kinds.get(lower) ?? FieldKind.other;
  return slot;
}
