/** The addresses of the host names that a Service's endpoints have. */

import { isIPv4 } from 'node:net';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

interface Watched {
  readonly unwatch: () => void;
  /** Undefined until the first answer. */
  addresses: readonly string[] | undefined;
}

export interface NamedAddressesEvents {
  /** The addresses of a name are known, or have changed. */
  onChange(): void;
  /** A name has no address. */
  onUnknown(name: string): void;
}

export class NamedAddresses {
  readonly #resolver: AddressResolver;
  readonly #events: NamedAddressesEvents;
  readonly #names = new Map<string, Watched>();
  #whenKnown: (() => void)[] = [];

  constructor(resolver: AddressResolver, events: NamedAddressesEvents) {
    this.#resolver = resolver;
    this.#events = events;
  }

  /** Watches these names and no others. */
  setNames(names: ReadonlySet<string>): void {
    for (const [name, { unwatch }] of this.#names) {
      if (names.has(name)) continue;
      unwatch();
      this.#names.delete(name);
    }
    for (const name of names) {
      if (this.#names.has(name)) continue;
      const unwatch = this.#resolver.watch(name, (addresses) => this.#learn(name, addresses));
      this.#names.set(name, { unwatch, addresses: undefined });
    }
    this.#tellWhenKnown();
  }

  /** Whether every name has been answered, if only with nothing. */
  get areKnown(): boolean {
    for (const { addresses } of this.#names.values()) if (addresses === undefined) return false;
    return true;
  }

  /** Whether it is known that the name has no address. */
  isMissing(name: string): boolean {
    return this.#names.get(name)?.addresses?.length === 0;
  }

  /** Resolves as soon as every name has been answered. */
  known(): Promise<void> {
    if (this.areKnown) return Promise.resolve();
    return new Promise((resolve) => this.#whenKnown.push(resolve));
  }

  /**
   * Of one family: a name with both stands for one server on two ways more often than for two servers, and a way that does not
   * work would fail its share of the requests.
   */
  of(name: string): readonly string[] {
    const addresses = this.#names.get(name)?.addresses ?? [];
    const v4 = addresses.filter((address) => isIPv4(address));
    return v4.length > 0 ? v4 : addresses;
  }

  #learn(name: string, addresses: readonly string[]): void {
    const watched = this.#names.get(name);
    if (watched === undefined) return;
    watched.addresses = addresses;
    if (addresses.length === 0) this.#events.onUnknown(name);
    this.#events.onChange();
    this.#tellWhenKnown();
  }

  #tellWhenKnown(): void {
    if (!this.areKnown) return;
    for (const resolve of this.#whenKnown.splice(0)) resolve();
  }
}
