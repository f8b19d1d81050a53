/** What a connection needs of its listener. */

import type { Socket } from 'node:net';
import type { HeadLimits } from '@causeway/http1/limits';

import type { PeerConnection, RequestHandler } from '../proxy/exchange.ts';
import type { TimerWheel } from '../proxy/timer-wheel.ts';
import type { ClientTimeoutCounters } from './client-timeout-counters.ts';
import type { Http2Counters } from './http2/http2-counters.ts';

/** A connection of a client as its listener knows it, whatever it speaks. */
export interface ListenedConnection {
  readonly connection: PeerConnection;
  /** Of the client's side of the port. */
  readonly localAddress: string | undefined;
  /** Reads on after something that kept it from reading. */
  advance(): void;
  /** Later requests belong to another socket of the table: the port has moved, and takes this connection along. */
  moveTo(socketKey: string): void;
  /** The next request is the last one; it is waited for as long as any client may take. */
  leaveAfterNext(): void;
  /** Ends the connection as soon as nothing is under way on it. */
  leave(): void;
  destroy(): void;
}

/** Read at each use, because tables change under open connections. */
export interface ConnectionContext {
  readonly socketKey: string;
  readonly handler: RequestHandler;
  readonly wheel: TimerWheel;
  readonly timeoutCounters: ClientTimeoutCounters;
  readonly http2Counters: Http2Counters;
  /** False while the port is open but no table has it yet: requests wait. */
  readonly isLive: boolean;
  readonly headLimits: HeadLimits;
  readonly requestHeadMs: number;
  readonly keepAliveMs: number;
  readonly requestsMax: number;
  /** Requests that are taken from one connection in a turn of the event loop. */
  readonly pipelinedMax: number;
  /** Whether plain connections may begin with it. */
  readonly isHttp2Allowed: boolean;
  /** Requests that may be under way on an HTTP/2 connection. */
  readonly streamsMax: number;
  /** The client speaks HTTP/2: `bytes` are what it has sent so far. Another connection takes over the socket, which is paused. */
  onHttp2(connection: ListenedConnection, socket: Socket, bytes: Buffer): void;
  /** The connection has become a tunnel. */
  onSwitched(connection: ListenedConnection, tunnel: ListenedConnection): void;
  onConnectionClosed(connection: ListenedConnection): void;
}
