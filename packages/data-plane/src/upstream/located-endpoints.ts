/** The endpoints of a set as a node reaches them: by IP address, of a host name one for each of its addresses. */

import { isIP } from 'node:net';
import type { Endpoint, EndpointSet } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import { NamedAddresses } from './named-addresses.ts';
import type { SocketTarget } from './open-socket.ts';

export interface LocatedEndpoint {
  /** Stable: the same over every change of its set. Of a host name each address is an endpoint: `id/address`. */
  readonly id: string;
  /** An IP address. */
  readonly address: string;
  readonly entry: Endpoint;
}

export interface LocatedEndpointsEvents {
  onChange(located: readonly LocatedEndpoint[]): void;
  /** A name has no address. */
  onUnknown(name: string): void;
}

/** All threads that hold one set come to the same endpoints. */
export class LocatedEndpoints {
  readonly #events: LocatedEndpointsEvents;
  readonly #named: NamedAddresses;
  #set: EndpointSet | undefined;
  #ids: ReadonlySet<string> | undefined;

  constructor(resolver: AddressResolver, events: LocatedEndpointsEvents) {
    this.#events = events;
    this.#named = new NamedAddresses(resolver, {
      onChange: () => this.#locate(),
      onUnknown: (name) => events.onUnknown(name),
    });
  }

  /** Version of the set, 0 without one. */
  get version(): number {
    return this.#set?.version ?? 0;
  }

  /** Takes the complete set; undefined empties it. The same object again costs nothing. */
  set(set: EndpointSet | undefined): void {
    if (set === this.#set) return;
    this.#set = set;
    this.#ids = undefined;
    const addresses = (set?.entries ?? []).map(({ address }) => address);
    this.#named.setNames(new Set(addresses.filter((address) => isIP(address) === 0)));
    this.#locate();
  }

  /** Whether the set has an endpoint of this id; a host name is one. */
  hasEntry(id: string): boolean {
    this.#ids ??= new Set(this.#set?.entries.map((entry) => entry.id));
    return this.#ids.has(id);
  }

  /** Ids of those whose names are known to have no address. */
  get idsWithoutAddress(): string[] {
    const entries = this.#set?.entries ?? [];
    return entries
      .filter(({ address }) => isIP(address) === 0 && this.#named.isMissing(address))
      .map(({ id }) => id);
  }

  /** Resolves when the addresses of all names are known, or known not to be there. */
  resolved(): Promise<void> {
    return this.#named.known();
  }

  #locate(): void {
    const entries = this.#set?.entries ?? [];
    const located = entries.flatMap((entry) => this.#addressesOf(entry));
    // Names that are new take a moment: until then what was there is better than nothing.
    if (located.length === 0 && entries.length > 0 && !this.#named.areKnown) return;
    this.#events.onChange(located);
  }

  #addressesOf(entry: Endpoint): LocatedEndpoint[] {
    const { id, address } = entry;
    if (isIP(address) !== 0) return [{ id, address, entry }];
    return this.#named.of(address).map((found) => ({ id: `${id}/${found}`, address: found, entry }));
  }
}

/** Where connections to it lead. */
export function socketTargetOf({ address, entry }: LocatedEndpoint): SocketTarget {
  const { address: name, port, serverName } = entry;
  return { address, port, name, serverName: serverName === '' ? undefined : serverName };
}
