/** Tells each worker the addresses of the names that it watches; name servers are asked once for all. */

import type { NameResolver } from '@causeway/runtime/name-resolver';

import type { WorkerThread } from './worker-thread.ts';

export class NameRelay {
  readonly #resolver: NameResolver;
  /** How each worker's watch of a name ends. */
  readonly #watched = new Map<WorkerThread, Map<string, () => void>>();

  constructor(resolver: NameResolver) {
    this.#resolver = resolver;
  }

  watch(thread: WorkerThread, name: string): void {
    const names = this.#watched.get(thread) ?? new Map<string, () => void>();
    this.#watched.set(thread, names);
    if (names.has(name)) return;
    names.set(
      name,
      this.#resolver.watch(name, (addresses) => thread.tellAddresses({ name, addresses })),
    );
  }

  unwatch(thread: WorkerThread, name: string): void {
    const names = this.#watched.get(thread);
    names?.get(name)?.();
    names?.delete(name);
  }

  forget(thread: WorkerThread): void {
    for (const unwatch of this.#watched.get(thread)?.values() ?? []) unwatch();
    this.#watched.delete(thread);
  }
}
