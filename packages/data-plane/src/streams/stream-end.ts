/** Why a node ends a stream, and how the client of a WebSocket is told (RFC 6455 section 7.4, and the registry that it made). */

export const streamEnds = {
  /** The node goes, or the worker that has it. */
  drained: { code: 1001, text: 'the gateway is going away' },
  routeGone: { code: 1012, text: 'the route has gone' },
  /** It came by a port that the Gateway does not have any more. */
  listenerGone: { code: 1012, text: 'the listener has gone' },
  endpointGone: { code: 1012, text: 'the endpoint has gone' },
  /** The Route takes no WebSockets any more. */
  disabled: { code: 1012, text: 'websockets are not allowed any more' },
  /** The filters of its Route demand more than when it was let in. */
  tightened: { code: 1008, text: 'the route asks for more now' },
  /** What let it in has expired. */
  expired: { code: 1008, text: 'the credentials have expired' },
  idle: { code: 1001, text: 'nothing has come for too long' },
  lifetime: { code: 1001, text: 'it has lasted as long as it may' },
  /** A ping was not answered. */
  unanswered: { code: 1001, text: 'a ping was not answered' },
} as const;

export type StreamEnd = keyof typeof streamEnds;

/**
 * How a stream has ended. `closed`: by its peers, as they should. `cut`: by one of them without a word, or by the node after it had waited long
 * enough for both. `slow`: for taking nothing. `refused`: for what the client sent.
 */
export type StreamOutcome = StreamEnd | 'closed' | 'cut' | 'slow' | 'refused';
