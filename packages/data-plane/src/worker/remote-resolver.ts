/** Addresses of names as a worker knows them: the supervisor asks name servers, once for all workers. */

import type { AddressResolver } from '@causeway/runtime/name-resolver';

import type { FoundAddresses, SupervisorTells } from './worker-setup.ts';

type OnAddresses = (addresses: readonly string[]) => void;

interface Watched {
  readonly listeners: Set<OnAddresses>;
  /** Undefined until the first answer. */
  addresses: readonly string[] | undefined;
}

export class RemoteResolver implements AddressResolver {
  readonly #supervisor: Pick<SupervisorTells, 'watch' | 'unwatch'>;
  readonly #names = new Map<string, Watched>();

  constructor(supervisor: Pick<SupervisorTells, 'watch' | 'unwatch'>) {
    this.#supervisor = supervisor;
  }

  watch(name: string, onChange: OnAddresses): () => void {
    const known = this.#names.get(name);
    const watched = known ?? { listeners: new Set(), addresses: undefined };
    // One function may watch a name twice.
    const listener: OnAddresses = (addresses) => onChange(addresses);
    watched.listeners.add(listener);
    if (known === undefined) {
      this.#names.set(name, watched);
      this.#supervisor.watch(name);
    } else if (known.addresses !== undefined) {
      queueMicrotask(() => {
        if (watched.listeners.has(listener)) listener(watched.addresses!);
      });
    }
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size > 0 || this.#names.get(name) !== watched) return;
      this.#names.delete(name);
      this.#supervisor.unwatch(name);
    };
  }

  /** The supervisor has learned something. */
  learn({ name, addresses }: FoundAddresses): void {
    const watched = this.#names.get(name);
    if (watched === undefined) return;
    watched.addresses = addresses;
    for (const listener of watched.listeners) listener(addresses);
  }

  close(): void {
    for (const name of this.#names.keys()) this.#supervisor.unwatch(name);
    this.#names.clear();
  }
}
