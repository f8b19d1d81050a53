// Waiting for what happens in another process, with an error that says what was seen last.

import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions<T> {
  /** What is waited for, as the subject of the error: "node a applies revision 2". */
  what: string;
  /** Default: the value is truthy. */
  until?: (value: T) => boolean;
  /** Default 10,000: far above what a loaded machine needs, since a passing test never waits for it. */
  timeoutMs?: number;
  /** Default 20. */
  intervalMs?: number;
}

/**
 * Reads again and again until `until` holds, and returns that value. A `read` that throws counts as not yet. Throws after
 * `timeoutMs` with the last value, or with the last error as its cause.
 */
export async function eventually<T>(read: () => T | Promise<T>, options: EventuallyOptions<T>): Promise<T> {
  const { what, until = Boolean, timeoutMs = 10_000, intervalMs = 20 } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const last = await attempt(read);
    if (last.ok && until(last.value)) return last.value;
    if (performance.now() >= deadlineMs) throw tooLate(what, timeoutMs, last);
    await sleep(intervalMs);
  }
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown };

async function attempt<T>(read: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    return { ok: false, error };
  }
}

function tooLate(what: string, timeoutMs: number, last: Attempt<unknown>): Error {
  const start = `not within ${timeoutMs} ms: ${what}; last `;
  if (last.ok) return new Error(`${start}value: ${inspect(last.value, { depth: 6 })}`);
  return new Error(`${start}error: ${String(last.error)}`, { cause: last.error });
}
