/**
 * What sockets read into, used over and over. A piece of memory for each read, which is what the runtime does, costs little itself; but
 * 64 KiB at a time they make the collector of garbage go through the whole heap some times a second (test/bench, 1 MiB bodies).
 */

/** As much as the runtime reads at once. */
const memoryBytes = 65_536;
/** Pieces that are kept for the next body; beyond it they are left to the collector. */
const freeMax = 128;
/** What is smaller is copied by whoever keeps it, so that it may lie in memory that all sockets share. */
export const copiedBytesMax = 4096;

const shared = Buffer.allocUnsafeSlow(memoryBytes);
/** Hot path: the small pieces of `shared`, by their length, so that a request needs no object for what was read. */
const smallPieces: (Buffer | undefined)[] = [];
const free: Buffer[] = [];

/** Reads of one socket, as `net.Socket` wants its `onread`. */
export class ReadMemory {
  readonly onread: {
    readonly buffer: () => Buffer;
    readonly callback: (bytes: number, memory: Uint8Array) => boolean;
  };
  /** Where a body is read into, from its first large piece on. */
  #own: Buffer | undefined;
  #isOver = false;
  #isFree = false;
  #isUsedOnce = false;
  #onBytes: (piece: Buffer) => void;

  /**
   * `onBytes` is given each piece while the call lasts; longer only as `copiedBytesMax` says: a piece beyond that stays as it is until the next
   * one comes, for which the socket must be resumed.
   */
  constructor(onBytes: (piece: Buffer) => void) {
    this.#onBytes = onBytes;
    this.onread = {
      buffer: () => this.#next(),
      callback: (bytes, memory) => {
        // What is small leaves the memory of the message before as free as it was.
        if (bytes > copiedBytesMax) this.#isOver = false;
        this.#onBytes(this.#pieceOf(memory as Buffer, bytes));
        return true;
      },
    };
  }

  /** Somebody else is given each piece from now on. */
  readBy(onBytes: (piece: Buffer) => void): void {
    this.#onBytes = onBytes;
  }

  /** A piece that was read into other memory. */
  deliver(piece: Buffer): void {
    this.#onBytes(piece);
  }

  /** For sockets that go on when they are paused: TLS hands over all that it has received. Then no memory of a body is used again. */
  useOnce(): void {
    this.#isUsedOnce = true;
  }

  /** The message is over. `isFree`: nobody uses the memory of its body any more; else it is left to the collector. */
  over(isFree: boolean): void {
    this.#isOver = true;
    this.#isFree = isFree;
  }

  #pieceOf(memory: Buffer, bytes: number): Buffer {
    if (memory !== shared) return memory.subarray(0, bytes);
    if (bytes <= copiedBytesMax) return (smallPieces[bytes] ??= shared.subarray(0, bytes));
    if (this.#isUsedOnce) return Buffer.from(memory.subarray(0, bytes));
    const own = free.pop() ?? Buffer.allocUnsafeSlow(memoryBytes);
    memory.copy(own, 0, 0, bytes);
    this.#own = own;
    return own.subarray(0, bytes);
  }

  /** Asked for after every read: only here memory changes hands, for until then the system may read into it. */
  #next(): Buffer {
    const own = this.#own;
    if (own === undefined) return shared;
    if (!this.#isOver) return own;
    this.#own = undefined;
    if (this.#isFree && free.length < freeMax) free.push(own);
    return shared;
  }
}
