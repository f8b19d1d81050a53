/** How many client connections a node has, in all and by address, over all of its workers, held under the Gateway's limits. */

import { plainAddress } from '../proxy/client-address.ts';
import type { CidrSet } from '@causeway/runtime/cidr-set';
import type { NodeShared } from '../counts/node-shared.ts';

export interface ConnectionCountLimits {
  readonly connectionsMax: number;
  /** 0 = off. */
  readonly connectionsPerAddressMax: number;
  /** Exempt from the limit by address: many clients come through one proxy. */
  readonly trustedProxies: CidrSet;
}

export type RefusedBy = 'total' | 'address' | 'descriptors';

/** Descriptors that clients never get: of the process itself, and a share for upstreams, without which clients are of no use. */
const ownDescriptors = 64;
const upstreamShare = 1 / 4;
const upstreamDescriptorsMax = 1024;

export class ConnectionCounts {
  readonly #shared: NodeShared;
  readonly #refused = { total: 0, address: 0, descriptors: 0 };
  #descriptorsMax = Infinity;

  constructor(shared: NodeShared) {
    this.#shared = shared;
  }

  get open(): number {
    return this.#shared.slices.sum('connections');
  }

  /** Connections refused since the start. */
  get refused(): Readonly<Record<RefusedBy, number>> {
    return this.#refused;
  }

  /** As many as descriptors allow; Infinity where nobody knows. */
  get descriptorsMax(): number {
    return this.#descriptorsMax;
  }

  /** Whether there are descriptors for one more; a stream may take a second one, for its upstream. */
  get hasRoom(): boolean {
    return this.open + this.#shared.slices.sum('lastingConnections') < this.#descriptorsMax;
  }

  /** Leaves enough of the process's descriptors for everything but clients. Undefined: nobody knows how many there are. */
  limitDescriptors(openFilesMax: number | undefined): void {
    if (openFilesMax === undefined) return;
    const forUpstreams = Math.min(Math.floor(openFilesMax * upstreamShare), upstreamDescriptorsMax);
    this.#descriptorsMax = Math.max(openFilesMax - ownDescriptors - forUpstreams, 1);
  }

  /**
   * Counts a new connection; false when it is over a limit, and then not counted. Workers that ask for the last place at the same moment may all be
   * refused; never are there more than the limit says.
   */
  enter(peerAddress: string, limits: ConnectionCountLimits): boolean {
    const { slices, addresses } = this.#shared;
    slices.add('connections', 1);
    const open = slices.sumAfterOwn('connections');
    if (open > limits.connectionsMax) return this.#refuse('total');
    if (open + slices.sum('lastingConnections') > this.#descriptorsMax) return this.#refuse('descriptors');
    const address = plainAddress(peerAddress);
    const max = limits.connectionsPerAddressMax;
    const isLimited = max > 0 && !limits.trustedProxies.has(address);
    const isCounted = addresses.enter(addresses.keyOf(address), isLimited ? max : Infinity);
    return isCounted || !isLimited || this.#refuse('address');
  }

  /** Counts a connection for another address; false when that has too many, and then it counts as before. */
  move(from: string, to: string, limits: ConnectionCountLimits): boolean {
    this.leave(from);
    if (this.enter(to, limits)) return true;
    const { slices, addresses } = this.#shared;
    addresses.enter(addresses.keyOf(plainAddress(from)), Infinity);
    slices.add('connections', 1);
    return false;
  }

  leave(peerAddress: string): void {
    const { slices, addresses } = this.#shared;
    addresses.leave(addresses.keyOf(plainAddress(peerAddress)));
    slices.add('connections', -1);
  }

  #refuse(by: RefusedBy): false {
    this.#shared.slices.add('connections', -1);
    this.#refused[by] += 1;
    return false;
  }
}
