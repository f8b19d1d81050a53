/** How much of its weight an endpoint has that has just come, or come back. */

/** Weights grow in so many steps, so that members change rarely. */
export const warmthMax = 10;

/** Of `warmthMax`; the least is one step, for nothing warms up without requests. */
export function warmthAt(sinceMs: number, nowMs: number, slowStartMs: number): number {
  const step = Math.floor(((nowMs - sinceMs) / slowStartMs) * warmthMax);
  return Math.min(Math.max(step, 1), warmthMax);
}

/** When it next grows; Infinity for one that has all of it. */
export function nextWarmthMs(sinceMs: number, nowMs: number, slowStartMs: number): number {
  const warmth = warmthAt(sinceMs, nowMs, slowStartMs);
  return warmth === warmthMax ? Infinity : sinceMs + ((warmth + 1) / warmthMax) * slowStartMs;
}
