/** The connections of one endpoint, and the requests that wait for one. */

import { defaultLimits, type HeadLimits } from '@causeway/http1/limits';
import type { Clock } from '@causeway/runtime/clock';
import { formatListenAddress } from '@causeway/runtime/listen-address';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import type { UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from '../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../proxy/timer-wheel.ts';
import type { OwnPorts } from './address-guard.ts';
import { CallQueue } from './call-queue.ts';
import { openSocket, type SocketTarget } from './open-socket.ts';
import { PoolCall } from './pool-call.ts';
import type { EndpointPlaces, PlaceUser, PoolPlaces } from './endpoint-places.ts';
import type { FailureReport } from './failure-report.ts';
import type { PoolCounters } from './pool-counters.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamTls } from './tls-settings.ts';
import { connectFailure, connectTimeout } from './upstream-failures.ts';

/** Bounds on one endpoint's connections. */
export interface PoolSettings {
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
}

/** Largest head of a response, bytes; nginx and Envoy allow as much or less. */
const headLimits: HeadLimits = { ...defaultLimits, headBytesMax: 65_536 };

/**
 * A request takes the connection that was freed last, so that those beyond need grow old; without one it opens one, and beyond
 * the maximum it waits its turn. Connections outlive tables: a pool lives as long as its endpoint does.
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
  readonly #connections = new Set<UpstreamConnection>();
  /** Those without a request, the one freed last at the end. */
  readonly #free: UpstreamConnection[] = [];
  readonly #places: PoolPlaces;
  readonly #waiting: CallQueue<PoolCall>;
  /** Those that met a stale connection: only a new one is sure not to be stale too. */
  readonly #repeating: CallQueue<PoolCall>;
  #connecting = 0;
  #activeRequests = 0;
  #isClosing = false;
  #session: Buffer | undefined;

  /** Opens nothing yet. `service`: "namespace/name" */
  constructor(service: string, target: SocketTarget, settings: PoolSettings, context: PoolContext) {
    this.authority = formatListenAddress({ host: target.name, port: target.port });
    this.#service = service;
    this.#target = target;
    this.#settings = settings;
    this.#context = context;
    this.#places = context.places.of(`${service} ${this.authority} ${target.address}`, this);
    const count = (amount: 1 | -1): void => this.#places.addWaiting(amount);
    this.#waiting = new CallQueue(count);
    this.#repeating = new CallQueue(count);
  }

  get isSecure(): boolean {
    return this.#settings.tls !== undefined;
  }

  /** Requests that were sent or wait for a connection. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Connections in any state. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Requests that wait for a connection. */
  get waiting(): number {
    return this.#waiting.size + this.#repeating.size;
  }

  /** Sends a request; undefined when so many wait already that it would only add to the queue. */
  send(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall | undefined {
    const connection = this.#takeFree();
    const { connectionsMax, waitingMax } = this.#settings;
    const mustWait = connection === undefined && this.#places.taken >= connectionsMax;
    // Who waits for a connection that is being opened does not count.
    if (mustWait && this.#places.waiting >= waitingMax) {
      this.#context.counters.refused += 1;
      return undefined;
    }
    const call = new PoolCall(this, request, events);
    this.#activeRequests += 1;
    if (connection !== undefined) {
      connection.start(call);
    } else {
      this.#enqueue(this.#waiting, call);
    }
    return call;
  }

  /** Takes no new request; closes its connections when the last one is done. */
  close(): void {
    this.#isClosing = true;
    this.#places.close();
    for (const connection of this.#free.splice(0)) connection.destroy();
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

  onFree(connection: UpstreamConnection): void {
    const isNew = connection.requests === 0;
    if (isNew) this.#onConnected(connection);
    // Whoever waits for a new connection has none but it, however long it took to open.
    if ((!isNew && this.#isWornOut(connection)) || (this.#isClosing && this.waiting === 0)) {
      connection.destroy();
      return;
    }
    if (!isNew && this.#isForOthers()) {
      connection.destroy();
      return;
    }
    const next = (isNew ? this.#repeating.shift() : undefined) ?? this.#waiting.shift();
    if (next !== undefined) {
      connection.start(next);
      next.events.onUpstreamSent();
    }
    // Where there is no room for a new connection an old one makes it.
    else if (this.#repeating.size > this.#connecting) connection.destroy();
    else this.#keep(connection);
  }

  onConnectFailed(connection: UpstreamConnection, failure: UpstreamFailure): void {
    this.#addConnecting(-1);
    this.#context.wheel.cancel(connection);
    this.#context.counters.connectsFailed += 1;
    const queue = this.#repeating.size > 0 ? this.#repeating : this.#waiting;
    const { first } = queue;
    // Who came later has a right to an attempt of its own, which takes as long as one may take.
    if (first !== undefined && first.waitingSinceMs <= connection.openedMs) queue.shift()!.fail(failure);
    this.openForWaiting();
  }

  onConnectTimeout(connection: UpstreamConnection): void {
    connection.failToConnect(connectTimeout(this.#settings.connectTimeoutMs));
  }

  onGone(connection: UpstreamConnection): void {
    this.#connections.delete(connection);
    this.#places.giveBack();
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    if (connection.requests > 0) this.openForWaiting();
  }

  giveUpFree(): void {
    this.#free[0]?.destroy();
  }

  onStale(call: PoolCall): void {
    this.#context.counters.staleRepeats += 1;
    this.#enqueue(this.#repeating, call);
  }

  /** Closes what has been without a request for too long. */
  onDue(nowMs: number): void {
    const { idleTimeoutMs } = this.#settings;
    while (this.#free.length > 0 && this.#free[0]!.freeSinceMs + idleTimeoutMs <= nowMs)
      this.#free[0]!.destroy();
    const [oldest] = this.#free;
    if (oldest !== undefined) this.#context.wheel.schedule(this, oldest.freeSinceMs + idleTimeoutMs);
  }

  #enqueue(queue: CallQueue<PoolCall>, call: PoolCall): void {
    call.waitingSinceMs = this.#context.clock.monotonicMs();
    queue.push(call);
    this.openForWaiting();
  }

  #onConnected(connection: UpstreamConnection): void {
    this.#addConnecting(-1);
    this.#context.wheel.cancel(connection);
  }

  #addConnecting(amount: 1 | -1): void {
    this.#connecting += amount;
    this.#places.addConnecting(amount);
  }

  #keep(connection: UpstreamConnection): void {
    const { wheel } = this.#context;
    connection.freeSinceMs = wheel.coarseMs();
    this.#free.push(connection);
    if (this.wheelPrevious === undefined)
      wheel.schedule(this, connection.freeSinceMs + this.#settings.idleTimeoutMs);
  }

  #takeFree(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined || !this.#isTooOld(connection)) return connection;
      connection.destroy();
    }
  }

  /** Whether the upstream may be closing it at this moment. */
  #isTooOld(connection: UpstreamConnection): boolean {
    const { ageMaxMs } = this.#settings;
    if (connection.keptForMs === Infinity && ageMaxMs === 0) return false;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - connection.freeSinceMs >= connection.keptForMs) return true;
    return ageMaxMs > 0 && nowMs - connection.openedMs >= ageMaxMs;
  }

  #isWornOut(connection: UpstreamConnection): boolean {
    const { requestsPerConnectionMax, ageMaxMs } = this.#settings;
    if (requestsPerConnectionMax > 0 && connection.requests >= requestsPerConnectionMax) return true;
    return ageMaxMs > 0 && this.#context.clock.monotonicMs() - connection.openedMs >= ageMaxMs;
  }

  /** As many connections are being opened as there are requests for them, within the maximum. */
  openForWaiting(): void {
    const { connectionsMax } = this.#settings;
    while (this.#connecting < this.waiting && this.#connections.size < connectionsMax) {
      const hasPlace = this.#places.take(connectionsMax);
      // With a connection of its own it waits for that.
      this.#places.want(!hasPlace && this.#connections.size === 0);
      if (!hasPlace || !this.#open()) return;
    }
    if (this.waiting === 0) this.#places.want(false);
  }

  /** Whether other workers need a connection more than this one, which has its share or nobody to serve. */
  #isForOthers(): boolean {
    if (!this.#places.isWantedByOthers) return false;
    return this.waiting === 0 || this.#connections.size > this.#places.shareOf(this.#settings.connectionsMax);
  }

  #open(): boolean {
    const { clock, wheel, counters, ownPorts } = this.#context;
    try {
      const nowMs = clock.monotonicMs();
      const connection = new UpstreamConnection(this, nowMs, (memory) =>
        openSocket(this.#target, this.#settings.tls, this.#session, ownPorts, memory),
      );
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
}
