/** Whether picks are spread as weights say they should be. */

/** Numbers in [0, 1), the same for the same start (mulberry32). */
export function seededRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function countPicks<T>(picks: number, pick: (count: number) => T): Map<T, number> {
  const counts = new Map<T, number>();
  for (let count = 0; count < picks; count += 1) {
    const picked = pick(count);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return counts;
}

/** Pearson's statistic of counts against shares by weight. */
export function chiSquare(counts: readonly number[], weights: readonly number[]): number {
  const picks = counts.reduce((sum, count) => sum + count, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return counts.reduce((sum, count, index) => {
    const expected = (picks * weights[index]!) / total;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** What chance exceeds once in a thousand times (Wilson and Hilferty, 1931; right to a percent from 3 degrees on). */
export function chiSquareLimit(degrees: number): number {
  const z = 3.09;
  return degrees * (1 - 2 / (9 * degrees) + z * Math.sqrt(2 / (9 * degrees))) ** 3;
}
