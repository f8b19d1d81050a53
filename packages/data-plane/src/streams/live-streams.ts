/** The streams of a worker: which there are, which may stay when the table changes, and how all of them end when it drains. */

import { sharedGet } from '@causeway/router/shared-map';
import type { Clock } from '@causeway/runtime/clock';

import type { WorkerSlices } from '../counts/worker-slices.ts';
import type { Table } from '../table/table.ts';
import type { Random } from '../upstream/balancing/member.ts';
import {
  type LiveStream,
  shownKinds,
  type ShownStreamKind,
  type StreamCounts,
  streamCounts,
} from './live-stream.ts';
import type { StreamEnd } from './stream-end.ts';
import { HeldMessages } from './websocket/held-messages.ts';
import type { StreamQuery } from './stream-query.ts';

/** The polite end of many streams is spread over this share of the time that there is; the rest is for the last ones to close. */
const spreadShare = 3 / 4;

/** A stream as operators see it. */
export interface ShownStream {
  readonly id: string;
  readonly kind: ShownStreamKind;
  readonly route: string;
  readonly service: string;
  readonly endpoint: string;
  readonly client: string;
  readonly host: string;
  readonly protocol: string;
  readonly revision: number;
  readonly startedAtMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requestId: string;
  readonly worker: number;
}

/** The oldest first, `limit` of them; the counts are of all that were asked for. */
export interface StreamList {
  readonly total: number;
  readonly byRevision: readonly RevisionCount[];
  readonly connections: readonly ShownStream[];
}

export interface RevisionCount {
  readonly revision: number;
  readonly count: number;
}

export class LiveStreams {
  /** No more are taken: the worker ends. */
  isDraining = false;
  readonly #clock: Clock;
  readonly #slices: WorkerSlices;
  /** Of its WebSockets. */
  readonly heldMessages = new HeldMessages();
  /** Of the worker, for whatever is to be spread. */
  readonly random: Random;
  readonly #streams = new Set<LiveStream>();
  /** That is live; undefined before the first one. */
  #table: Table | undefined;
  #drainEndMs = Infinity;
  #drained = 0;

  readonly #isOpen: (port: number) => boolean;

  /** `isOpen`: whether the node listens on the port; default: it does on all. */
  constructor(
    clock: Clock,
    slices: WorkerSlices,
    random: Random,
    isOpen: (port: number) => boolean = () => true,
  ) {
    this.#isOpen = isOpen;
    this.#clock = clock;
    this.#slices = slices;
    this.random = random;
  }

  /** What let it in may be of an older table than the one that is live, or of before a drain. */
  add(stream: LiveStream): void {
    this.#streams.add(stream);
    stream.record.stream = shownKinds[stream.kind];
    this.#slices.add(stream.kind, 1);
    if (this.#table !== undefined) this.#judge(stream, this.#table);
    if (this.isDraining)
      this.#condemn(stream, 'drained', Math.max(this.#drainEndMs - this.#clock.monotonicMs(), 0));
  }

  remove(stream: LiveStream): void {
    if (this.#streams.delete(stream)) this.#slices.add(stream.kind, -1);
  }

  /** The table is live: what may not stay under it ends within `drainMs`. */
  sweep(table: Table): void {
    this.#table = table;
    for (const stream of this.#streams) this.#judge(stream, table);
  }

  /** Ends all of them, and those that come. */
  drain(drainMs: number): void {
    this.isDraining = true;
    this.#drainEndMs = this.#clock.monotonicMs() + drainMs;
    for (const stream of this.#streams) this.#condemn(stream, 'drained', drainMs);
  }

  /** Ends what is left at once. */
  cut(): void {
    for (const stream of Array.from(this.#streams)) stream.cut();
  }

  /** How many there are of each revision, the newest first. */
  byRevision(): RevisionCount[] {
    return countByRevision(this.#streams);
  }

  get counts(): StreamCounts {
    return streamCounts((kind) => this.#slices.own(kind));
  }

  /** A stream has been told to end because the worker does. */
  noteDrained(): void {
    this.#drained += 1;
  }

  /** How many have. */
  get drained(): number {
    return this.#drained;
  }

  /** `worker`: the number of this one. */
  list(query: StreamQuery, worker: number): StreamList {
    const asked = Array.from(this.#streams).filter((stream) => isAsked(stream, query));
    return {
      total: asked.length,
      byRevision: countByRevision(asked),
      connections: asked.slice(0, query.limit).map((stream) => shown(stream, worker)),
    };
  }

  #judge(stream: LiveStream, table: Table): void {
    const { record, admission, kind } = stream;
    const isOpen = this.#isOpen(admission.localPort);
    const route = sharedGet(table.routes, record.route ?? '');
    const why = admission.judge(table, route, { isOpen, isWebSocket: kind === 'webSockets' });
    if (why !== undefined) this.#condemn(stream, why, table.gateway.timeouts.drainMs);
  }

  #condemn(stream: LiveStream, why: StreamEnd, drainMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    stream.condemn(why, nowMs + this.random() * spreadShare * drainMs, nowMs + drainMs);
  }
}

/** Of several workers, the oldest first. */
export function mergeStreams(lists: readonly StreamList[], limit: number): StreamList {
  const counts = new Map<number, number>();
  for (const { revision, count } of lists.flatMap(({ byRevision }) => byRevision))
    counts.set(revision, (counts.get(revision) ?? 0) + count);
  return {
    total: lists.reduce((sum, { total }) => sum + total, 0),
    byRevision: newestFirst(counts),
    connections: lists
      .flatMap(({ connections }) => connections)
      .toSorted((one, other) => one.startedAtMs - other.startedAtMs)
      .slice(0, limit),
  };
}

function countByRevision(streams: Iterable<LiveStream>): RevisionCount[] {
  const counts = new Map<number, number>();
  for (const { record } of streams) counts.set(record.revision, (counts.get(record.revision) ?? 0) + 1);
  return newestFirst(counts);
}

function newestFirst(counts: ReadonlyMap<number, number>): RevisionCount[] {
  return Array.from(counts, ([revision, count]) => ({ revision, count })).toSorted(
    (one, other) => other.revision - one.revision,
  );
}

function isAsked({ kind, record }: LiveStream, query: StreamQuery): boolean {
  return (
    (query.namespace === undefined || record.route?.startsWith(`${query.namespace}/`) === true) &&
    (query.route === undefined || record.route === query.route) &&
    (query.service === undefined || record.service === query.service) &&
    (query.kind === undefined || shownKinds[kind] === query.kind) &&
    (query.client === undefined || record.client === query.client)
  );
}

function shown({ kind, record }: LiveStream, worker: number): ShownStream {
  const { route = '', service = '', endpoint = '', client, host, protocol = '', revision } = record;
  const { startedWallMs: startedAtMs, bytesIn, bytesOut, requestId } = record;
  return {
    id: requestId,
    kind: shownKinds[kind],
    route,
    service,
    endpoint,
    client,
    host,
    protocol,
    revision,
    startedAtMs,
    bytesIn,
    bytesOut,
    requestId,
    worker,
  };
}
