import type { Entry, ResourceView } from '../store/resource-index.ts';

/** The configuration as it would be: a plan's changes laid over the current one. */
export class PlannedView implements ResourceView {
  readonly #current: ResourceView;
  readonly #put = new Map<string, Entry>();
  readonly #removed = new Set<string>();
  readonly #putReferrers = new Map<string, string[]>();

  constructor(current: ResourceView) {
    this.#current = current;
  }

  /** At most once for each key. */
  put(entry: Entry): void {
    this.#put.set(entry.key, entry);
    for (const { target } of entry.references) {
      const referrers = this.#putReferrers.get(target);
      if (referrers) referrers.push(entry.key);
      else this.#putReferrers.set(target, [entry.key]);
    }
  }

  /** Not what was put. */
  remove(key: string): void {
    this.#removed.add(key);
  }

  get(key: string): Entry | undefined {
    return this.#removed.has(key) ? undefined : (this.#put.get(key) ?? this.#current.get(key));
  }

  *referrersOf(key: string): Iterable<string> {
    for (const referrer of this.#current.referrersOf(key)) {
      if (!this.#removed.has(referrer) && !this.#put.has(referrer)) yield referrer;
    }
    yield* new Set(this.#putReferrers.get(key));
  }

  *entriesOf(kind: string): Iterable<Entry> {
    for (const entry of this.#current.entriesOf(kind)) {
      if (!this.#removed.has(entry.key) && !this.#put.has(entry.key)) yield entry;
    }
    for (const entry of this.#put.values()) if (entry.resource.kind === kind) yield entry;
  }
}
