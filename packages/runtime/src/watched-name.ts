import type { CancelTimer } from './clock.ts';

/** IPv4 before IPv6, each in the order of their text; empty when the name has none, or none any more. */
export type OnAddresses = (addresses: readonly string[]) => void;

/** What was learnt about a name. A family that is undefined could not be asked for, so what was known of it stays. */
export interface Answer {
  readonly v4: readonly string[] | undefined;
  readonly v6: readonly string[] | undefined;
  /** Undefined when whoever answered does not tell. */
  readonly ttlMs: number | undefined;
}

interface KnownFamily {
  readonly addresses: readonly string[];
  readonly staleAtMs: number;
}

const nothingKnown: KnownFamily = { addresses: [], staleAtMs: Number.NEGATIVE_INFINITY };

/** One name, what is known of it and who wants to know. */
export class WatchedName {
  readonly name: string;
  /** Who answered last; undefined when nobody has, or nobody does any more. */
  source: 'servers' | 'system' | undefined;
  cancelTimer: CancelTimer | undefined;
  readonly #watchers = new Set<{ onChange: OnAddresses }>();
  #v4 = nothingKnown;
  #v6 = nothingKnown;
  #told: readonly string[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** What is known already is told in a microtask. */
  add(onChange: OnAddresses): () => void {
    const watcher = { onChange };
    this.#watchers.add(watcher);
    if (this.#told) queueMicrotask(() => this.#watchers.has(watcher) && onChange(this.#told ?? []));
    return () => this.#watchers.delete(watcher);
  }

  /** Takes what was learnt, good until `staleAtMs` if nothing newer comes. */
  learn({ v4, v6 }: Answer, staleAtMs: number): void {
    if (v4) this.#v4 = { addresses: v4, staleAtMs };
    if (v6) this.#v6 = { addresses: v6, staleAtMs };
  }

  /** Forgets what is stale by now, and tells who watches when that, or what was learnt, has changed anything. */
  settle(nowMs: number): void {
    const addresses = [this.#v4, this.#v6].flatMap((family) =>
      family.staleAtMs > nowMs ? family.addresses : [],
    );
    if (addresses.length === 0) this.source = undefined;
    if (this.#told?.join() === addresses.join()) return;
    this.#told = addresses;
    // A watcher may end its own watch, or begin another.
    for (const { onChange } of new Set(this.#watchers)) onChange(addresses);
  }

  end(): void {
    this.#watchers.clear();
    this.cancelTimer?.();
  }
}
