/** Ids by which people find one request again in answers, logs and traces. */

import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no letter that is taken for a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const timeCharacters = 10;
/** Random characters come in pairs: three additions in the place of six. */
const randomPairs = 3;
const pairs: readonly string[] = Array.from(alphabet, (first) =>
  Array.from(alphabet, (second) => first + second),
).flat();
const poolBytes = 4096;

let pool = Buffer.alloc(0);
let poolAt = 0;
let timeMs = -1;
let timeText = '';

/**
 * Sixteen characters that sort by time: ten of milliseconds since 1970, as in a ULID, and six random ones. Unique enough for a log,
 * no secret.
 *
 * Hot path: random bytes come from a pool, and the time part is made once a millisecond.
 */
export function createRequestId(nowMs: number = Date.now()): string {
  if (nowMs !== timeMs) {
    timeMs = nowMs;
    timeText = encodeTime(nowMs);
  }
  if (poolAt + 2 * randomPairs > pool.length) {
    pool = randomBytes(poolBytes);
    poolAt = 0;
  }
  let random = '';
  for (let index = 0; index < randomPairs; index++, poolAt += 2)
    random += pairs[((pool[poolAt]! & 31) << 5) | (pool[poolAt + 1]! & 31)];
  return timeText + random;
}

function encodeTime(ms: number): string {
  let text = '';
  let rest = ms;
  for (let index = 0; index < timeCharacters; index++) {
    text = alphabet[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
