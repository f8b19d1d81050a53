/** Time in which this thread was awake. */

import { type Clock, sleepOn } from './clock.ts';

/** A gap that no event loop in order has: the process was stopped, the machine suspended, or something blocked. */
const pauseMsMin = 1000;

/**
 * `clock` with a monotonic scale on which pauses of a second or more have not passed: while nobody could answer, no deadline came
 * nearer. Whoever makes one looks at it several times a second, or idle time would be taken for a pause.
 */
export function awakeClock(clock: Clock): Clock {
  let lastMs = clock.monotonicMs();
  let asleepMs = 0;
  const awake: Clock = {
    wallMs: () => clock.wallMs(),
    monotonicMs() {
      const nowMs = clock.monotonicMs();
      if (nowMs - lastMs >= pauseMsMin) asleepMs += nowMs - lastMs;
      lastMs = nowMs;
      return nowMs - asleepMs;
    },
    after: (delayMs, action) => clock.after(delayMs, action),
    sleep: (delayMs, signal) => sleepOn(awake, delayMs, signal),
  };
  return awake;
}
