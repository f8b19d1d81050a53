// Where a count comes to rest: how much fits into whatever lies between two ends of which one does not read.

import { eventually } from './eventually.ts';

/** Long enough for what is only slow to move again. */
const restMs = 300;

/** Waits until a number above 0 is the same twice, and gives it. */
export async function standstill(what: string, read: () => number): Promise<number> {
  let last = -1;
  return eventually(
    () => {
      const [before, now] = [last, read()];
      last = now;
      return now > 0 && now === before ? now : 0;
    },
    { what: `${what} stands still`, intervalMs: restMs },
  );
}
