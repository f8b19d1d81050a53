/** What HTTP/2 connections of clients have come to; read at each scrape. */

/**
 * Why a client was told that its connection ends. `leaving`: the port or the node does. `controlFrames`: too many of them. `misuse`: a rule or another
 * limit of HTTP/2 was broken.
 */
export const goawayReasons = [
  'keepAlive',
  'maxRequestsPerConnection',
  'leaving',
  'controlFrames',
  'misuse',
] as const;
export type GoawayReason = (typeof goawayReasons)[number];

export class Http2Counters {
  /** Open ones. */
  connections = 0;
  requests = 0;
  readonly goaways: Record<GoawayReason, number> = {
    keepAlive: 0,
    maxRequestsPerConnection: 0,
    leaving: 0,
    controlFrames: 0,
    misuse: 0,
  };
  /** `client`: also those that the runtime resets for what the client did. */
  readonly resets: Record<'client' | 'node', number> = { client: 0, node: 0 };
}
