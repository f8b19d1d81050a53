/** Keys of Consumers that were used, until the control plane is told. */

export interface UsedKey {
  /** In base64. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly usedMs: number;
}

/** While there is no control plane, what does not fit is forgotten: it is told again with the next use. */
const keysMax = 10_000;
/** In one status. */
const toldMax = 1000;

export class KeyUses {
  readonly #usedMs = new Map<string, number>();

  add({ hash, usedMs }: UsedKey): void {
    if (this.#usedMs.has(hash) || this.#usedMs.size < keysMax) this.#usedMs.set(hash, usedMs);
  }

  take(): UsedKey[] {
    const taken: UsedKey[] = [];
    for (const [hash, usedMs] of this.#usedMs) {
      if (taken.length === toldMax) break;
      taken.push({ hash, usedMs });
      this.#usedMs.delete(hash);
    }
    return taken;
  }
}
