/** How an endpoint stands among those of its Service, as this worker knows it. Kept while the endpoint stays. */

import { PeakLatency } from './peak-latency.ts';

/** Written by `EndpointChoice` alone. */
export class Standing {
  readonly latency = new PeakLatency();
  /** It may get requests, and is among those that are chosen (see `Selection`). */
  isAllowed = false;
  isSelected = false;
  isHealthy = false;
  /** Since when its weight grows; -Infinity = it has all of it. */
  warmSinceMs = -Infinity;
}
