/** Durations and sizes as users write them: `250ms`, `1h30m`, `64KiB`. One parser each, used wherever one is read. */

/** GEP-2257 durations plus `d` for 24 hours. */
export const durationPattern = /^([0-9]{1,5}(d|h|m|s|ms)){1,4}$/;
export const sizePattern = /^[0-9]{1,12}(B|KiB|MiB|GiB)$/;

/** 2^31-1 ms is the longest time that a Node timer keeps. */
export const durationMsMax = 2_147_483_647;

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Milliseconds of a duration, or undefined when the text is none. */
export function parseDurationMs(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(ms|d|h|m|s)/g))
    total += Number(count) * durationUnits[unit!]!;
  return total;
}

/** Bytes of a size, or undefined when the text is none. */
export function parseSizeBytes(text: string): number | undefined {
  const parts = /^([0-9]{1,12})(B|KiB|MiB|GiB)$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * sizeUnits[parts[2]!]!;
}

/** Milliseconds of a duration that validation has accepted. */
export function durationMs(text: string): number {
  const value = parseDurationMs(text);
  if (value === undefined) throw new TypeError(`not a duration: ${text}`);
  return value;
}

/** Bytes of a size that validation has accepted. */
export function sizeBytes(text: string): number {
  const value = parseSizeBytes(text);
  if (value === undefined) throw new TypeError(`not a size: ${text}`);
  return value;
}
