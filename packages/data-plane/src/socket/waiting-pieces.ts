/** Bytes that wait for the runtime to take what it was given before; small ones are put together. */

import { copiedBytesMax } from './read-memory.ts';

/**
 * As much as is handed to the runtime at once: a write is told when all of it is out, and only then is it known that the peer reads. At
 * 16 KiB one that takes 1 KiB a second is heard of every 16 s, well within any idle timeout.
 */
export const pieceBytesMax = 16_384;

/** Never written to. */
const nothing: Buffer[] = [];

export class WaitingPieces {
  /** How much waits. */
  bytes = 0;
  #pieces: Buffer[] = nothing;

  /** Small pieces lie in memory that the next read takes, and are copied; of others the memory stays in use. */
  add(data: Buffer): void {
    const kept = data.length > copiedBytesMax ? data : Buffer.from(data);
    if (this.#pieces.length === 0) this.#pieces = [kept];
    else this.#pieces.push(kept);
    this.bytes += data.length;
  }

  clear(): void {
    this.#pieces = nothing;
    this.bytes = 0;
  }

  /** The next bytes in order, at most `pieceBytesMax`; undefined for none. */
  take(): Buffer | undefined {
    if (this.#pieces.length > 1 || this.bytes > pieceBytesMax) return this.#join();
    const first = this.#pieces[0];
    this.clear();
    return first;
  }

  #join(): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (this.#pieces.length > 0 && bytes < pieceBytesMax) {
      const next = this.#pieces[0]!;
      const room = pieceBytesMax - bytes;
      if (next.length > room) this.#pieces[0] = next.subarray(room);
      else this.#pieces.shift();
      parts.push(next.length > room ? next.subarray(0, room) : next);
      bytes += parts.at(-1)!.length;
    }
    this.bytes -= bytes;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}
