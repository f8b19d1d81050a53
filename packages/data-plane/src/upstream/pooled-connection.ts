/** What a pool and its connections know of each other, whichever version of HTTP they speak. */

import type { HeadLimits } from '@causeway/http1/limits';

import type { FieldList, UpstreamFailure } from '../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../proxy/timer-wheel.ts';
import type { TunnelPeer, TunnelPeerEvents } from '../streams/tunnel-peer.ts';
import type { PoolCall } from './pool-call.ts';

/** A connection, as its pool sees it. */
export interface PooledConnection extends Timed {
  /** Monotonic. */
  readonly openedMs: number;
  /** How long the upstream says that it keeps a connection without a request. */
  readonly keptForMs: number;
  /** So far. */
  readonly requests: number;
  /** Requests that it can take at this moment. */
  readonly room: number;
  /** Whether it carries no request. */
  readonly isIdle: boolean;
  /** What is known of why it is not connected yet; undefined: nothing. */
  readonly connectDetail: string | undefined;
  /** The pool's: when it was last left without a request; monotonic. */
  freeSinceMs: number;
  /** The pool's: it has been told that there is a connection. */
  isConnected: boolean;
  /** The pool's: it stands in the list of those with room. */
  isListed: boolean;
  /** The pool's: it counts among those that the endpoint may have. */
  hasPlace: boolean;
  /** Sends a request. Only while there is room. */
  start(call: PoolCall): void;
  /** Takes no further request, and ends with its last one. */
  retire(): void;
  destroy(): void;
  /** Told by the pool, which knows how long it waited. */
  failToConnect(failure: UpstreamFailure): void;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  readonly headLimits: HeadLimits;
  /** Host of requests that name none. */
  readonly authority: string;
  readonly wheel: TimerWheel;
  /** Whether there are descriptors for more connections than the endpoint may have. */
  readonly mayLast: boolean;
  /** Has room for a request from now on: it is connected, or a response is complete. */
  onFree(connection: PooledConnection): void;
  /** No connection came about. */
  onConnectFailed(connection: PooledConnection, failure: UpstreamFailure): void;
  /** Takes no further request, though it still has some. */
  onLeaving(connection: PooledConnection): void;
  /** It is of no use any more; told once, after `onFree` or not. */
  onGone(connection: PooledConnection): void;
  /** It carries a stream or a tunnel, and will carry nothing else: it counts no more among those that the endpoint may have. `onGone` follows. */
  onLasting(connection: PooledConnection): void;
  /** A request came too late for a connection that the upstream had given up; it may be sent again, on a new one. */
  onStale(call: PoolCall): void;
  /** The upstream has not looked at a request; it may be sent again, on another connection than this. */
  onRefused(call: PoolCall, connection: PooledConnection): void;
  onConnectTimeout(connection: PooledConnection): void;
  /** A TLS session that a later connection may go on with. */
  onSession(session: Buffer): void;
}

/** What carries a request that has been started: a connection, or a stream of one. */
export interface CallCarrier {
  /** See `UpstreamCall`. */
  readonly unsentMark: number;
  chunk(chunk: Buffer): boolean;
  flush(): void;
  end(trailers: FieldList | undefined): void;
  pause(): void;
  resume(): void;
  /** The response that has come is a stream. */
  outlast(): void;
  /** The response that has come agrees to another protocol. */
  switchProtocols(events: TunnelPeerEvents): TunnelPeer;
  /** The exchange is over before the response is. */
  abandon(): void;
}
