/** Tokens that were found good, by a text that stands for them; bounded by what they weigh. */

/** In bytes of tokens: what is kept of one is about as large. */
const weightMax = 16 * 1024 * 1024;
const entriesMax = 50_000;

interface Kept<T> {
  readonly value: T;
  readonly weight: number;
}

/**
 * Two generations: a hit in the older one moves to the younger, and when that is full the older is forgotten. So what is in use stays, and a hit in
 * the younger one costs a look-up alone.
 */
export class TokenCache<T> {
  #young = new Map<string, Kept<T>>();
  #old = new Map<string, Kept<T>>();
  #weight = 0;

  get(digest: string): T | undefined {
    const young = this.#young.get(digest);
    if (young !== undefined) return young.value;
    const old = this.#old.get(digest);
    if (old !== undefined) this.set(digest, old.value, old.weight);
    return old?.value;
  }

  set(digest: string, value: T, weight: number): void {
    if (this.#weight + weight > weightMax / 2 || this.#young.size >= entriesMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(digest, { value, weight });
    this.#weight += weight;
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#weight = 0;
  }
}
