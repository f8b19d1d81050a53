/** How many client connections a node has, in all and by address, held under the Gateway's limits. */

import { plainAddress } from '../proxy/client-address.ts';
import type { CidrSet } from '../proxy/cidr-set.ts';

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
  readonly #byAddress = new Map<string, number>();
  readonly #refused = { total: 0, address: 0, descriptors: 0 };
  #descriptorsMax = Infinity;
  #open = 0;

  get open(): number {
    return this.#open;
  }

  /** Connections refused since the start. */
  get refused(): Readonly<Record<RefusedBy, number>> {
    return this.#refused;
  }

  /** As many as descriptors allow; Infinity where nobody knows. */
  get descriptorsMax(): number {
    return this.#descriptorsMax;
  }

  /** Whether there are descriptors for one more. */
  get hasRoom(): boolean {
    return this.#open < this.#descriptorsMax;
  }

  /** Leaves enough of the process's descriptors for everything but clients. Undefined: nobody knows how many there are. */
  limitDescriptors(openFilesMax: number | undefined): void {
    if (openFilesMax === undefined) return;
    const forUpstreams = Math.min(Math.floor(openFilesMax * upstreamShare), upstreamDescriptorsMax);
    this.#descriptorsMax = Math.max(openFilesMax - ownDescriptors - forUpstreams, 1);
  }

  /** Counts a new connection; false when it is over a limit, and then not counted. */
  enter(peerAddress: string, limits: ConnectionCountLimits): boolean {
    if (this.#open >= limits.connectionsMax) return this.#refuse('total');
    if (!this.hasRoom) return this.#refuse('descriptors');
    const address = plainAddress(peerAddress);
    const sameAddress = this.#byAddress.get(address) ?? 0;
    const max = limits.connectionsPerAddressMax;
    if (max > 0 && sameAddress >= max && !limits.trustedProxies.has(address)) return this.#refuse('address');
    this.#open += 1;
    this.#byAddress.set(address, sameAddress + 1);
    return true;
  }

  /** Counts a connection for another address; false when that has too many, and then it counts as before. */
  move(from: string, to: string, limits: ConnectionCountLimits): boolean {
    this.leave(from);
    if (this.enter(to, limits)) return true;
    const address = plainAddress(from);
    this.#open += 1;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    return false;
  }

  leave(peerAddress: string): void {
    const address = plainAddress(peerAddress);
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
    this.#open -= 1;
  }

  #refuse(by: RefusedBy): false {
    this.#refused[by] += 1;
    return false;
  }
}
