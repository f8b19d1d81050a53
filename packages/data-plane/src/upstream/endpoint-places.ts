/**
 * Places for connections to an endpoint, of which a node has so many however many workers it has. A worker without one that needs it says so;
 * the others then give up connections that they do not need, rather than keep them.
 */

import type { CountKey, SharedCounts } from '../counts/shared-counts.ts';

/** A pool, as its places see it. */
export interface PlaceUser {
  /** Gives up a connection without a request, if it has one. */
  giveUpFree(): void;
  /** There may be a place now. */
  openForWaiting(): void;
}

/** What goes to the other workers. `endpoint`: as the pools name it. */
export interface PlaceTells {
  wantPlace(want: PlaceWant): void;
  freedPlace(endpoint: string): void;
}

export interface PlaceWant {
  readonly endpoint: string;
  readonly isWanted: boolean;
}

export class EndpointPlaces {
  readonly #counts: SharedCounts;
  readonly #workers: number;
  readonly #others: PlaceTells | undefined;
  readonly #users = new Map<string, Set<PlaceUser>>();
  readonly #wanted = new Set<string>();
  readonly #wantedByOthers = new Set<string>();

  /** `others` undefined: this worker is alone. */
  constructor(counts: SharedCounts, workers: number, others: PlaceTells | undefined) {
    this.#counts = counts;
    this.#workers = workers;
    this.#others = others;
  }

  /** The places of one endpoint, for one of its pools. */
  of(endpoint: string, user: PlaceUser): PoolPlaces {
    const users = this.#users.get(endpoint) ?? new Set();
    this.#users.set(endpoint, users.add(user));
    const leave = (): void => {
      users.delete(user);
      if (users.size === 0) this.#users.delete(endpoint);
    };
    return new PoolPlaces(this, this.#counts, endpoint, leave);
  }

  /** What one worker may keep while others are in want. */
  shareOf(max: number): number {
    return Math.max(Math.floor(max / this.#workers), 1);
  }

  isWantedByOthers(endpoint: string): boolean {
    return this.#wantedByOthers.has(endpoint);
  }

  want(endpoint: string, isWanted: boolean): void {
    if (this.#others === undefined || this.#wanted.has(endpoint) === isWanted) return;
    if (isWanted) this.#wanted.add(endpoint);
    else this.#wanted.delete(endpoint);
    this.#others.wantPlace({ endpoint, isWanted });
  }

  freed(endpoint: string): void {
    if (this.#wantedByOthers.has(endpoint)) this.#others?.freedPlace(endpoint);
  }

  /** Another worker is in want of a place, or is not any more. */
  onWanted({ endpoint, isWanted }: PlaceWant): void {
    if (!isWanted) {
      this.#wantedByOthers.delete(endpoint);
      return;
    }
    this.#wantedByOthers.add(endpoint);
    for (const user of this.#users.get(endpoint) ?? []) user.giveUpFree();
  }

  /** Another worker has given up a place. */
  onFreed(endpoint: string): void {
    for (const user of this.#users.get(endpoint) ?? []) user.openForWaiting();
  }
}

/** The places of one pool. */
export class PoolPlaces {
  readonly #places: EndpointPlaces;
  readonly #counts: SharedCounts;
  readonly #endpoint: string;
  readonly #connections: CountKey;
  readonly #waiting: CountKey;
  readonly #connecting: CountKey;
  readonly #onClose: () => void;

  constructor(places: EndpointPlaces, counts: SharedCounts, endpoint: string, onClose: () => void) {
    this.#places = places;
    this.#counts = counts;
    this.#endpoint = endpoint;
    this.#connections = counts.keyOf(endpoint);
    this.#waiting = counts.keyOf(`${endpoint} waiting`);
    this.#connecting = counts.keyOf(`${endpoint} connecting`);
    this.#onClose = onClose;
  }

  /** Takes a place, if there are fewer than `max`. */
  take(max: number): boolean {
    return this.#counts.enter(this.#connections, max);
  }

  giveBack(): void {
    this.#counts.leave(this.#connections);
    this.#places.freed(this.#endpoint);
  }

  /** Connections of all workers. */
  get taken(): number {
    return this.#counts.count(this.#connections);
  }

  /** Requests of all workers that wait for a connection that is not being opened. */
  get waiting(): number {
    return this.#counts.count(this.#waiting) - this.#counts.count(this.#connecting);
  }

  /** A connection is being opened, or is not any more. */
  addConnecting(amount: 1 | -1): void {
    if (amount > 0) this.#counts.enter(this.#connecting, Infinity);
    else this.#counts.leave(this.#connecting);
  }

  addWaiting(amount: 1 | -1): void {
    if (amount > 0) this.#counts.enter(this.#waiting, Infinity);
    else this.#counts.leave(this.#waiting);
  }

  want(isWanted: boolean): void {
    this.#places.want(this.#endpoint, isWanted);
  }

  get isWantedByOthers(): boolean {
    return this.#places.isWantedByOthers(this.#endpoint);
  }

  shareOf(max: number): number {
    return this.#places.shareOf(max);
  }

  /** The pool takes no new request. */
  close(): void {
    this.#onClose();
  }
}
