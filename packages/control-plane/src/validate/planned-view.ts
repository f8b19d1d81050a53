import type { Entry, ResourceView } from '../store/resource-index.ts';

/** The configuration as it would be: a plan's changes laid over the current one. */
export class PlannedView implements ResourceView {
  readonly #current: ResourceView;
  readonly #put = new Map<string, Entry>();
  readonly #removed = new Set<string>();

  constructor(current: ResourceView) {
    this.#current = current;
  }

  put(entry: Entry): void {
    this.#put.set(entry.key, entry);
  }

  /** False when it had been removed before. */
  remove(key: string): boolean {
    if (this.#removed.has(key)) return false;
    this.#removed.add(key);
    this.#put.delete(key);
    return true;
  }

  get(key: string): Entry | undefined {
    return this.#removed.has(key) ? undefined : (this.#put.get(key) ?? this.#current.get(key));
  }

  *referrersOf(key: string): Iterable<string> {
    for (const referrer of this.#current.referrersOf(key)) {
      if (!this.#removed.has(referrer) && !this.#put.has(referrer)) yield referrer;
    }
    for (const entry of this.#put.values()) {
      if (entry.references.some((reference) => reference.target === key)) yield entry.key;
    }
  }

  *entriesOf(kind: string): Iterable<Entry> {
    for (const entry of this.#current.entriesOf(kind)) {
      if (!this.#removed.has(entry.key) && !this.#put.has(entry.key)) yield entry;
    }
    for (const entry of this.#put.values()) if (entry.resource.kind === kind) yield entry;
  }
}
