/** The connections of one endpoint, and the requests that wait for one. */

import { defaultLimits, type HeadLimits } from '@causeway/http1/limits';
import type { Clock } from '@causeway/runtime/clock';
import { formatListenAddress } from '@causeway/runtime/listen-address';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import type { UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from '../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../proxy/timer-wheel.ts';
import type { NodeShared } from '../counts/node-shared.ts';
import type { AffinityKeys } from './balancing/affinity-keys.ts';
import type { OwnPorts } from './address-guard.ts';
import type { Random } from './balancing/member.ts';
import type { BreakerState } from './circuit-breaker.ts';
import { CallQueue } from './call-queue.ts';
import { openSocket, type SocketTarget } from './open-socket.ts';
import { PoolCall } from './pool-call.ts';
import type { EndpointPlaces, PlaceUser, PoolPlaces } from './endpoint-places.ts';
import type { FailureReport } from './failure-report.ts';
import type { PoolCounters } from './pool-counters.ts';
import { Http2Upstream } from './http2/http2-upstream.ts';
import { streamsMax } from './http2/session-options.ts';
import type { ConnectionOwner, PooledConnection } from './pooled-connection.ts';
import { plainTicket, type Ticket } from './service-gate.ts';
import type { LiveEndpoint } from './live-endpoint.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamTls } from './tls-settings.ts';
import { connectFailure, connectTimeout } from './upstream-failures.ts';

/** HTTP/1.1 without TLS and with it, and HTTP/2 likewise. */
export type UpstreamProtocol = 'http' | 'https' | 'h2c' | 'h2';

/** Bounds on one endpoint's connections. */
export interface PoolSettings {
  readonly protocol: UpstreamProtocol;
  readonly connectTimeoutMs: number;
  readonly connectionsMax: number;
  /** Requests that may wait for a connection when all are in use. */
  readonly waitingMax: number;
  /** A connection without a request is closed after so long. */
  readonly idleTimeoutMs: number;
  /** 0 = off. */
  readonly requestsPerConnectionMax: number;
  /** A connection this old takes no new request; 0 = off. */
  readonly ageMaxMs: number;
  /** Undefined = plain TCP. */
  readonly tls: UpstreamTls | undefined;
}

/** What all pools of a node share. */
export interface PoolContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly ownPorts: OwnPorts;
  readonly counters: PoolCounters;
  readonly resolver: AddressResolver;
  readonly failures: FailureReport;
  readonly places: EndpointPlaces;
  /** The circuit breaker of a Service has changed, by something that happened in this thread. */
  onBreaker(service: string, to: BreakerState): void;
  /** Of this node; undefined = none. */
  readonly zone: string | undefined;
  readonly affinityKeys: AffinityKeys;
  readonly random: Random;
  readonly shared: NodeShared;
  /** Whether this process has file descriptors for one more connection. */
  hasDescriptors(): boolean;
}

/** Largest head of a response, bytes; nginx and Envoy allow as much or less. */
const headLimits: HeadLimits = { ...defaultLimits, headBytesMax: 65_536 };

/**
 * A request takes the connection that had room last, so that those beyond need grow old; without one it opens one, and beyond
 * the maximum it waits its turn. Connections outlive tables: a pool lives as long as its endpoint does.
 *
 * One of HTTP/1.1 has room for a request, one of HTTP/2 for many. One that ends when its requests are over gives up its place at once, so that
 * another can be opened: there may be twice the maximum of them while upstreams go away.
 */
export class EndpointPool implements ConnectionOwner, PlaceUser, Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly headLimits = headLimits;
  readonly authority: string;
  readonly #service: string;
  readonly #target: SocketTarget;
  readonly #settings: PoolSettings;
  readonly #context: PoolContext;
  readonly #connections = new Set<PooledConnection>();
  /** Those with room, the one that had it last at the end. */
  readonly #free: PooledConnection[] = [];
  readonly #places: PoolPlaces;
  readonly #waiting: CallQueue<PoolCall>;
  /** Those that have been sent in vain: they go before the others. */
  readonly #repeating: CallQueue<PoolCall>;
  readonly #isHttp2: boolean;
  /** Requests for which a new connection has room, as far as one knows. */
  #roomExpected = 1;
  #connecting = 0;
  /** Of the connections those without a place. */
  #leaving = 0;
  #activeRequests = 0;
  /** Connections of which each has become one stream's own: as many as clients have, whose number is bounded. */
  #lasting = 0;
  #isClosing = false;
  #session: Buffer | undefined;

  /** Opens nothing yet. `service`: "namespace/name" */
  constructor(service: string, target: SocketTarget, settings: PoolSettings, context: PoolContext) {
    this.authority = formatListenAddress({ host: target.name, port: target.port });
    this.#service = service;
    this.#target = target;
    this.#settings = settings;
    this.#context = context;
    this.#isHttp2 = settings.protocol === 'h2c' || settings.protocol === 'h2';
    if (this.#isHttp2) this.#roomExpected = streamsMax;
    this.#places = context.places.of(`${service} ${this.authority} ${target.address}`, this);
    const count = (amount: 1 | -1): void => this.#places.addWaiting(amount);
    this.#waiting = new CallQueue(count);
    this.#repeating = new CallQueue(count);
  }

  get isSecure(): boolean {
    return this.#settings.tls !== undefined;
  }

  get wheel(): TimerWheel {
    return this.#context.wheel;
  }

  get mayLast(): boolean {
    return this.#context.hasDescriptors();
  }

  /** Requests that were sent or wait for a connection. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Connections in any state, those of streams included. */
  get connections(): number {
    return this.#connections.size + this.#lasting;
  }

  /** Requests that wait for a connection. */
  get waiting(): number {
    return this.#waiting.size + this.#repeating.size;
  }

  nowMs(): number {
    return this.#context.clock.monotonicMs();
  }

  /**
   * Sends a request; undefined when so many wait already that it would only add to the queue, and `ticket` is of no use. `endpoint`: the one
   * that has this pool, whose Service counts.
   */
  send(
    request: UpstreamRequest,
    events: UpstreamEvents,
    endpoint?: LiveEndpoint,
    ticket: Ticket = plainTicket,
  ): UpstreamCall | undefined {
    const connection = this.#takeFree();
    const { connectionsMax, waitingMax } = this.#settings;
    const mustWait = connection === undefined && this.#places.taken >= connectionsMax;
    // Who waits for a connection that is being opened does not count.
    if (mustWait && this.#places.waiting - this.#connecting * (this.#roomExpected - 1) >= waitingMax) {
      this.#context.counters.refused += 1;
      return undefined;
    }
    const call = new PoolCall(this, request, events, endpoint, ticket);
    this.#activeRequests += 1;
    if (connection === undefined) {
      this.#enqueue(this.#waiting, call);
    } else {
      connection.start(call);
      if (connection.room > 0) this.#putBack(connection);
    }
    return call;
  }

  /** Takes no new request; closes its connections when the last one is done. */
  close(): void {
    this.#isClosing = true;
    this.#places.close();
    for (const connection of this.#free.slice()) connection.retire();
    this.#context.wheel.cancel(this);
  }

  /** The newest ticket is the one that the endpoint is most likely to know. */
  onSession(session: Buffer): void {
    this.#session = session;
  }

  withdraw(call: PoolCall): void {
    (call.isRepeated ? this.#repeating : this.#waiting).remove(call);
  }

  onCallOver(): void {
    this.#activeRequests -= 1;
  }

  onCallFailed(failure: UpstreamFailure): void {
    this.#context.failures.note({ service: this.#service, endpoint: this.authority, ...failure });
  }

  onFree(connection: PooledConnection): void {
    const isNew = !connection.isConnected;
    if (isNew) this.#onConnected(connection);
    // Whoever waits for a new connection has none but it, however long it took to open.
    if ((!isNew && this.#isWornOut(connection)) || (this.#isClosing && this.waiting === 0))
      return connection.retire();
    if (!isNew && this.#isForOthers()) return connection.retire();
    if (this.waiting > 0) this.#serve(connection, isNew);
    if (connection.room === 0) return;
    // Where there is no room for a new connection an old one makes it.
    if (this.#repeating.size > this.#connecting * this.#roomExpected) connection.retire();
    else this.#keep(connection);
  }

  onConnectFailed(connection: PooledConnection, failure: UpstreamFailure): void {
    this.#addConnecting(-1);
    this.#context.wheel.cancel(connection);
    this.#context.counters.connectsFailed += 1;
    const queue = this.#repeating.size > 0 ? this.#repeating : this.#waiting;
    // So many would have had it.
    for (let left = this.#roomExpected; left > 0; left -= 1) {
      const { first } = queue;
      // Who came later has a right to an attempt of its own, which takes as long as one may take.
      if (first === undefined || first.waitingSinceMs > connection.openedMs) break;
      queue.shift()!.fail(failure);
    }
    this.openForWaiting();
  }

  onConnectTimeout(connection: PooledConnection): void {
    connection.failToConnect(connectTimeout(this.#settings.connectTimeoutMs, connection.connectDetail));
  }

  onLeaving(connection: PooledConnection): void {
    this.#unlist(connection);
    // Bounded: an upstream that sends all its connections away must not get any number of them.
    if (this.#leaving >= this.#settings.connectionsMax) return;
    connection.hasPlace = false;
    this.#leaving += 1;
    this.#places.giveBack();
    this.openForWaiting();
  }

  onGone(connection: PooledConnection): void {
    if (!this.#connections.delete(connection)) {
      this.#lasting -= 1;
      this.#context.shared.slices.add('lastingConnections', -1);
      return;
    }
    this.#unlist(connection);
    if (connection.hasPlace) this.#places.giveBack();
    else this.#leaving -= 1;
    if (connection.requests > 0) this.openForWaiting();
  }

  onLasting(connection: PooledConnection): void {
    this.#connections.delete(connection);
    this.#lasting += 1;
    this.#context.shared.slices.add('lastingConnections', 1);
    if (connection.hasPlace) this.#places.giveBack();
    else this.#leaving -= 1;
    this.openForWaiting();
  }

  giveUpFree(): void {
    this.#free.find(({ isIdle }) => isIdle)?.destroy();
  }

  onStale(call: PoolCall): void {
    this.#context.counters.staleRepeats += 1;
    this.#enqueue(this.#repeating, call);
  }

  onRefused(call: PoolCall, connection: PooledConnection): void {
    this.#context.counters.refusedRepeats += 1;
    const other = this.#free.findLast(
      (free) => free !== connection && free.room > 0 && !this.#isTooOld(free),
    );
    if (other === undefined) return this.#enqueue(this.#repeating, call);
    this.#unlist(other);
    other.start(call);
    if (other.room > 0) this.#putBack(other);
  }

  /** Closes what has been without a request for too long. */
  onDue(nowMs: number): void {
    const { idleTimeoutMs } = this.#settings;
    let oldestMs = Infinity;
    for (const connection of this.#free.slice()) {
      if (!connection.isIdle) continue;
      if (connection.freeSinceMs + idleTimeoutMs <= nowMs) connection.destroy();
      else oldestMs = Math.min(oldestMs, connection.freeSinceMs);
    }
    if (oldestMs < Infinity) this.#context.wheel.schedule(this, oldestMs + idleTimeoutMs);
  }

  /** As many connections are being opened as there are requests for them, within the maximum. */
  openForWaiting(): void {
    const { connectionsMax } = this.#settings;
    while (
      this.#connecting * this.#roomExpected < this.waiting &&
      this.#connections.size - this.#leaving < connectionsMax
    ) {
      const hasPlace = this.#places.take(connectionsMax);
      // With a connection of its own it waits for that.
      this.#places.want(!hasPlace && this.#connections.size === 0);
      if (!hasPlace || !this.#open()) return;
    }
    if (this.waiting === 0) this.#places.want(false);
  }

  #enqueue(queue: CallQueue<PoolCall>, call: PoolCall): void {
    call.waitingSinceMs = this.#context.clock.monotonicMs();
    queue.push(call);
    this.openForWaiting();
  }

  #onConnected(connection: PooledConnection): void {
    connection.isConnected = true;
    this.#addConnecting(-1);
    this.#context.wheel.cancel(connection);
    this.#roomExpected = Math.max(connection.room, 1);
  }

  #addConnecting(amount: 1 | -1): void {
    this.#connecting += amount;
    this.#places.addConnecting(amount);
  }

  /** Gives those that wait to a connection, for as many of them as it has room. */
  #serve(connection: PooledConnection, isNew: boolean): void {
    while (connection.room > 0) {
      const next = this.#nextFor(connection, isNew);
      if (next === undefined) return;
      connection.start(next);
      next.events.onUpstreamSent();
      if (this.#isSpent(connection)) return connection.retire();
    }
  }

  #nextFor(connection: PooledConnection, isNew: boolean): PoolCall | undefined {
    const { first } = this.#repeating;
    if (first === undefined) return this.#waiting.shift();
    if (isNew || (!first.needsNew && first.refusedBy !== connection)) return this.#repeating.shift();
    return this.#waiting.shift();
  }

  /** It has room for more than the request that it was taken for. */
  #putBack(connection: PooledConnection): void {
    if (this.#isSpent(connection)) connection.retire();
    else this.#list(connection);
  }

  #keep(connection: PooledConnection): void {
    const { wheel } = this.#context;
    if (connection.isIdle) {
      connection.freeSinceMs = wheel.coarseMs();
      if (this.wheelPrevious === undefined)
        wheel.schedule(this, connection.freeSinceMs + this.#settings.idleTimeoutMs);
    }
    this.#list(connection);
  }

  #list(connection: PooledConnection): void {
    if (connection.isListed) return;
    connection.isListed = true;
    this.#free.push(connection);
  }

  #unlist(connection: PooledConnection): void {
    if (!connection.isListed) return;
    connection.isListed = false;
    this.#free.splice(this.#free.indexOf(connection), 1);
  }

  #takeFree(): PooledConnection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined) return undefined;
      connection.isListed = false;
      // Its upstream takes fewer at once than before; it comes back with its next response.
      if (connection.room === 0) continue;
      if (!this.#isTooOld(connection)) return connection;
      connection.retire();
    }
  }

  /** Whether the upstream may be closing it at this moment. */
  #isTooOld(connection: PooledConnection): boolean {
    const { ageMaxMs } = this.#settings;
    if (connection.keptForMs === Infinity && ageMaxMs === 0) return false;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - connection.freeSinceMs >= connection.keptForMs) return true;
    return ageMaxMs > 0 && nowMs - connection.openedMs >= ageMaxMs;
  }

  /** Whether it has had all the requests that one connection may have. */
  #isSpent({ requests }: PooledConnection): boolean {
    const { requestsPerConnectionMax } = this.#settings;
    return requestsPerConnectionMax > 0 && requests >= requestsPerConnectionMax;
  }

  #isWornOut(connection: PooledConnection): boolean {
    const { ageMaxMs } = this.#settings;
    if (this.#isSpent(connection)) return true;
    return ageMaxMs > 0 && this.#context.clock.monotonicMs() - connection.openedMs >= ageMaxMs;
  }

  /** Whether other workers need a connection more than this one, which has its share or nobody to serve. */
  #isForOthers(): boolean {
    if (!this.#places.isWantedByOthers) return false;
    return this.waiting === 0 || this.#connections.size > this.#places.shareOf(this.#settings.connectionsMax);
  }

  #open(): boolean {
    const { clock, wheel, counters } = this.#context;
    try {
      const nowMs = clock.monotonicMs();
      const connection = this.#createConnection(nowMs);
      this.#connections.add(connection);
      this.#addConnecting(1);
      counters.connectionsOpened += 1;
      wheel.schedule(connection, nowMs + this.#settings.connectTimeoutMs);
      return true;
    } catch (error) {
      this.#places.giveBack();
      // Nothing that a later attempt could change: all that wait are told.
      const failure = connectFailure(error);
      for (const queue of [this.#repeating, this.#waiting])
        for (let call = queue.shift(); call !== undefined; call = queue.shift()) call.fail(failure);
      return false;
    }
  }

  /** @throws what `openSocket` throws */
  #createConnection(nowMs: number): PooledConnection {
    const { ownPorts } = this.#context;
    const { tls } = this.#settings;
    if (this.#isHttp2)
      return new Http2Upstream(this, nowMs, () =>
        openSocket({ target: this.#target, tls, alpnProtocol: 'h2', session: this.#session, ownPorts }),
      );
    return new UpstreamConnection(this, nowMs, (memory) =>
      openSocket({
        target: this.#target,
        tls,
        alpnProtocol: 'http/1.1',
        session: this.#session,
        ownPorts,
        memory,
      }),
    );
  }
}
