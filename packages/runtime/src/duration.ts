/** Durations as people write them: `250ms`, `10s`, `1h30m`, `90d`. */

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const partPattern = /(\d+)(ms|s|m|h|d)/gy;

/** Longest text looked at: whatever is longer is no duration that anybody means. */
const durationCharsMax = 32;

/** Milliseconds, a whole number of 0 or more; undefined when `text` is no duration or beyond 2^53 ms. */
export function parseDuration(text: string): number | undefined {
  if (text.length === 0 || text.length > durationCharsMax) return undefined;
  let totalMs = 0;
  let end = 0;
  partPattern.lastIndex = 0;
  for (let part = partPattern.exec(text); part !== null; part = partPattern.exec(text)) {
    totalMs += Number(part[1]) * unitMs(part[2]);
    end = partPattern.lastIndex;
  }
  return end === text.length && Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/** The shortest such text for `ms`, a whole number of 0 or more: 90000 gives `1m30s`, 0 gives `0s`. */
export function formatDuration(ms: number): string {
  let restMs = ms;
  let text = '';
  for (const [unit, sizeMs] of Object.entries(unitsMs).toReversed()) {
    const count = Math.floor(restMs / sizeMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * sizeMs;
  }
  return text === '' ? '0s' : text;
}

function unitMs(unit: string | undefined): number {
  for (const [name, sizeMs] of Object.entries(unitsMs)) if (name === unit) return sizeMs;
  return Number.NaN;
}
