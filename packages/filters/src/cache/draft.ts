/** An answer on its way to the store. */

import { type AnswerToStore, type CacheStore, headSize } from './cache-store.ts';

const chunkBytesMin = 4096;

/** Its body stands in one piece of memory, which grows: upstreams may send it byte by byte. All that it takes is reserved in the store. */
export class Draft {
  readonly #store: CacheStore;
  readonly #answer: Omit<AnswerToStore, 'body'>;
  readonly #bytesMax: number;
  #memory = new Uint8Array(0);
  #bytes = 0;
  #reserved = 0;

  private constructor(store: CacheStore, answer: Omit<AnswerToStore, 'body'>, bytesMax: number) {
    this.#store = store;
    this.#answer = answer;
    this.#bytesMax = bytesMax;
  }

  /** `bytes`: of the body, as far as it is known; it may take `bytesMax`. Undefined: there is no room for it. */
  static begin(
    store: CacheStore,
    answer: Omit<AnswerToStore, 'body'>,
    bytes: number,
    bytesMax: number,
  ): Draft | undefined {
    const draft = new Draft(store, answer, bytesMax);
    if (draft.#reserve(headSize(answer)) && draft.#grow(bytes)) return draft;
    draft.drop();
    return undefined;
  }

  /** False: it is too large, or there is no room for it. */
  append(chunk: Uint8Array): boolean {
    const bytes = this.#bytes + chunk.length;
    if (bytes > this.#bytesMax) return false;
    if (bytes > this.#memory.length) {
      const wanted = Math.max(bytes, chunkBytesMin, 2 * this.#memory.length);
      if (!this.#grow(Math.min(wanted, this.#bytesMax))) return false;
    }
    this.#memory.set(chunk, this.#bytes);
    this.#bytes = bytes;
    return true;
  }

  /** All of it has come: what it had reserved is free for it to be stored. */
  finish(): AnswerToStore {
    this.drop();
    const isFull = this.#bytes === this.#memory.length;
    return { ...this.#answer, body: isFull ? this.#memory : this.#memory.slice(0, this.#bytes) };
  }

  drop(): void {
    this.#store.release(this.#reserved);
    this.#reserved = 0;
  }

  #grow(bytes: number): boolean {
    if (!this.#reserve(bytes - this.#memory.length)) return false;
    const memory = new Uint8Array(bytes);
    memory.set(this.#memory.subarray(0, this.#bytes));
    this.#memory = memory;
    return true;
  }

  #reserve(bytes: number): boolean {
    if (!this.#store.reserve(bytes, this.#reserved)) return false;
    this.#reserved += bytes;
    return true;
  }
}
