/** Of a message: a byte of flags, and four of length. */
const prefixBytes = 5;

/** Follows the lengths that messages have before them, and keeps none. */
export class MessageMeter {
  readonly #bytesMax: number;
  readonly #flagsMax: number;
  /** The chunks that have passed end where a message does. */
  isBetween = true;
  /** Of the prefix that has begun. */
  #prefixed = 0;
  #length = 0;
  /** Bytes of the message that are still to come. */
  #rest = 0;

  constructor(bytesMax: number, flagsMax = 0xff) {
    this.#bytesMax = bytesMax;
    this.#flagsMax = flagsMax;
  }

  /** False: a message begins in it that is too long, or has flags that none has. */
  pass(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const passed = Math.min(this.#rest, chunk.length - at);
        this.#rest -= passed;
        at += passed;
        continue;
      }
      if (this.#prefixed === 0 && chunk[at]! > this.#flagsMax) return false;
      this.#length = this.#prefixed === 0 ? 0 : this.#length * 256 + chunk[at]!;
      at += 1;
      this.#prefixed += 1;
      if (this.#prefixed < prefixBytes) continue;
      if (this.#length > this.#bytesMax) return false;
      this.#rest = this.#length;
      this.#prefixed = 0;
    }
    this.isBetween = this.#rest === 0 && this.#prefixed === 0;
    return true;
  }
}
