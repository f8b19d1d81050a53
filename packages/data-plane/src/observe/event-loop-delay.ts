/** How long whatever was due had to wait for the event loop: the pauses that clients would notice. */

import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Pace of the measurement; a pause is seen to this many milliseconds. */
const resolutionMs = 5;

export interface EventLoopDelays {
  readonly medianSeconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#histogram.enable();
  }

  /** Since the last call. */
  take(): EventLoopDelays {
    const histogram = this.#histogram;
    const delays = {
      medianSeconds: delaySeconds(histogram.percentile(50)),
      p99Seconds: delaySeconds(histogram.percentile(99)),
      maxSeconds: delaySeconds(histogram.max),
    };
    histogram.reset();
    return delays;
  }

  stop(): void {
    this.#histogram.disable();
  }
}

/** The runtime records intervals, of which the pace itself is a part. */
function delaySeconds(intervalNs: number): number {
  return Math.max(intervalNs / 1e9 - resolutionMs / 1000, 0);
}
