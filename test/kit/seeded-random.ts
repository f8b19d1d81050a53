// Random numbers that a failing run can have again.

/** Printed by whoever uses it; `CAUSEWAY_TEST_SEED` repeats a run. */
export const seed = Number(process.env['CAUSEWAY_TEST_SEED'] ?? Date.now() % 0x1_0000_0000);

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
