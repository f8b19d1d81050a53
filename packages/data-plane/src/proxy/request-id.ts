/** Ids of requests: short, sorted by time, hard to guess. */

import { randomFillSync } from 'node:crypto';

/** Crockford's base 32 in lower case: no letter that is mistaken for a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

const timeChars = 10;
const randomChars = 6;
/** Random bytes are drawn for many ids at once. */
const pool = Buffer.alloc(4096);
let poolAt = pool.length;

let timeMs = -1;
let timeText = '';

/** 16 characters: ten for the milliseconds since 1970, as in a ULID, and six (30 bits) of randomness. */
export function createRequestId(wallMs: number): string {
  if (wallMs !== timeMs) {
    timeMs = wallMs;
    timeText = encodeTime(wallMs);
  }
  if (poolAt + randomChars > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  let id = timeText;
  for (let count = 0; count < randomChars; count += 1) id += alphabet[pool[poolAt++]! & 31];
  return id;
}

/** What a trusted proxy may call a request: visible ASCII, so that it is safe in headers and logs, and bounded. */
export function isAcceptableRequestId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text) && !/["\\]/.test(text);
}

function encodeTime(ms: number): string {
  let text = '';
  let rest = Math.max(0, Math.floor(ms));
  for (let count = 0; count < timeChars; count += 1) {
    text = alphabet[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
