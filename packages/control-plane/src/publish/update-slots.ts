import type { ItemsChange } from '@causeway/proto/snapshot-items';

/** Bytes of items up to which an update is small. */
const smallBytesMax = 1024 * 1024;
/** Larger ones that may be under way at once: a thousand nodes that join together take turns. */
const largeUpdatesMax = 8;

/** Hands out the right to send a large update; small ones pass at once. One waiting place for each subscription. */
export class UpdateSlots {
  readonly #holders = new Set<object>();
  readonly #waiting = new Map<object, () => void>();

  async acquire(holder: object, change: ItemsChange): Promise<void> {
    const bytes = change.upserts.reduce((sum, item) => sum + item.bytes.byteLength, 0);
    if (bytes <= smallBytesMax) return;
    if (this.#holders.size >= largeUpdatesMax)
      await new Promise<void>((resolve) => this.#waiting.set(holder, resolve));
    else this.#holders.add(holder);
  }

  /** Gives the slot to who has waited longest. Harmless for a holder that has none. */
  release(holder: object): void {
    this.#waiting.get(holder)?.();
    this.#waiting.delete(holder);
    if (!this.#holders.delete(holder)) return;
    const next = this.#waiting.entries().next().value;
    if (!next) return;
    this.#waiting.delete(next[0]);
    this.#holders.add(next[0]);
    next[1]();
  }
}
