/** What the pools of a node have done since it started; read at each scrape. */

export class PoolCounters {
  connectionsOpened = 0;
  connectsFailed = 0;
  /** Requests that were sent again because the upstream had given up their connection. */
  staleRepeats = 0;
  /** Requests that were sent again because the upstream said that it had not looked at them. */
  refusedRepeats = 0;
  /** Requests that were refused because too many waited. */
  refused = 0;
}
