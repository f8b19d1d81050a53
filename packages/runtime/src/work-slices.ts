/** Long work in short pieces, so that whatever else the event loop has to do goes on in between. */

/**
 * Work that may pause wherever it yields, and gives a value in the end. Pure functions are written so without knowing when they
 * pause, or whether: `sliceWork` runs them in pieces, a plain loop at once.
 */
export type Steps<R> = Generator<void, R, void>;

/**
 * Other work waits as long at most, but for one step. A fifth of the ten milliseconds that nobody notices, because a collection of
 * garbage may come on top.
 */
export const sliceMsDefault = 2;

/** Runs `steps` to their end, `sliceMs` at a time. Rejects with what they throw. */
export async function sliceWork<R>(steps: Steps<R>, sliceMs: number = sliceMsDefault): Promise<R> {
  for (;;) {
    const endMs = performance.now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < endMs);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Runs `steps` to their end without a pause. */
export function runAtOnce<R>(steps: Steps<R>): R {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
