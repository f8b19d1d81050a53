/** What a connection needs of its listener. */

import type { HeadLimits } from '@causeway/http1/limits';

import type { RequestHandler } from '../proxy/exchange.ts';
import type { TimerWheel } from '../proxy/timer-wheel.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ClientTimeoutCounters } from './client-timeout-counters.ts';

/** Read at each use, because tables change under open connections. */
export interface ConnectionContext {
  readonly socketKey: string;
  readonly handler: RequestHandler;
  readonly wheel: TimerWheel;
  readonly timeoutCounters: ClientTimeoutCounters;
  /** False while the port is open but no table has it yet: requests wait. */
  readonly isLive: boolean;
  readonly headLimits: HeadLimits;
  readonly requestHeadMs: number;
  readonly keepAliveMs: number;
  readonly requestsMax: number;
  /** Requests that are taken from one connection in a turn of the event loop. */
  readonly pipelinedMax: number;
  onConnectionClosed(connection: ClientConnection): void;
}
