/** Bytes of messages that are not whole yet, of all WebSockets of a worker whose messages are read. */

/**
 * Each message has a limit, and this is one for all of them: thousands of clients may each begin a large one. Messages that come in one piece, as
 * small ones do, are never held.
 */
export const heldBytesMax = 256 * 1024 * 1024;

export class HeldMessages {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = heldBytesMax) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One of them holds so much more, or less. False: more than all of them may. */
  change(by: number): boolean {
    this.#bytes += by;
    return by <= 0 || this.#bytes <= this.#bytesMax;
  }
}
