/** The connections of one endpoint, and the requests on them. The only file that knows which HTTP client is used. */

import { isIP } from 'node:net';
import { formatListenAddress } from '@causeway/runtime/listen-address';
import { buildConnector, Pool } from 'undici';

import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../proxy/exchange.ts';
import { checkUpstreamAddress, createGuardedLookup, type OwnPorts } from './address-guard.ts';
import { PoolCall } from './pool-call.ts';
import { watchConnection } from './reused-connections.ts';

/** Bounds on one endpoint's connections. */
export interface PoolSettings {
  readonly connectTimeoutMs: number;
  readonly connectionsMax: number;
  /** Requests that may wait for a connection when all are in use. */
  readonly waitingMax: number;
  /** A connection without a request is closed after so long. */
  readonly idleTimeoutMs: number;
}

/** Largest head of a response, bytes; nginx and Envoy allow as much or less. */
const responseHeadBytesMax = 64 * 1024;
/** TCP keep-alive finds peers that vanished without a word. */
const tcpKeepAliveMs = 60_000;

/** HTTP/1.1, one request at a time on each connection. */
export class EndpointPool {
  readonly #pool: Pool;
  readonly #requestsMax: number;
  #activeRequests = 0;
  #closing = false;

  /** `address` is an IP address or a name, which is looked up for each new connection. Opens nothing yet. */
  constructor(address: string, port: number, settings: PoolSettings, ownPorts: OwnPorts) {
    this.#requestsMax = settings.connectionsMax + settings.waitingMax;
    this.#pool = new Pool(`http://${formatListenAddress({ host: address, port })}`, {
      connect: createConnect(address, port, settings, ownPorts),
      connections: settings.connectionsMax,
      pipelining: 1,
      keepAliveTimeout: Math.max(settings.idleTimeoutMs, 1),
      keepAliveMaxTimeout: Math.max(settings.idleTimeoutMs, 1),
      // The recipe holds the deadlines of an exchange, on one timer for all.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: responseHeadBytesMax,
    });
  }

  /** Requests that were sent or wait for a connection. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Sends a request; undefined when so many wait already that it would only add to the queue. */
  send(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall | undefined {
    if (this.#activeRequests >= this.#requestsMax) return undefined;
    this.#activeRequests += 1;
    const call = new PoolCall(this.#pool, request, events, () => this.#onDone());
    call.dispatch();
    return call;
  }

  /** Takes no new request; closes its connections when the last one is done. */
  close(): void {
    this.#closing = true;
    this.#closeWhenIdle();
  }

  #onDone(): void {
    this.#activeRequests -= 1;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    // Whatever closing may fail with, the connections are gone, which is all that was wanted.
    if (this.#closing && this.#activeRequests === 0) this.#pool.destroy().catch(() => {});
  }
}

/** Opens connections to allowed addresses alone. */
function createConnect(
  address: string,
  port: number,
  settings: PoolSettings,
  ownPorts: OwnPorts,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: settings.connectTimeoutMs,
    keepAliveInitialDelay: tcpKeepAliveMs,
    allowH2: false,
    ...(isIP(address) === 0 && { lookup: createGuardedLookup(port, ownPorts) }),
  });
  return (options, callback) => {
    // A literal address is never looked up, so it is judged here.
    const refusal = isIP(address) === 0 ? undefined : checkUpstreamAddress(address, port, ownPorts);
    if (refusal !== undefined) {
      queueMicrotask(() => callback(refusal, null));
      return;
    }
    connect(options, (...result) => {
      if (result[0] === null) watchConnection(result[1]);
      callback(...result);
    });
  };
}
