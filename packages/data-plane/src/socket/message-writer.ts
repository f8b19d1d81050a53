/** Writes messages to a socket: what is small goes out together, in one write; what is large goes out as it is. */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { chunkEnd, chunkStart, lastChunk } from '@causeway/http1/write-chunk';

import { copiedBytesMax } from './read-memory.ts';

/** The runtime hands a text of up to 16 KiB to the system from its stack. */
const heldBytesMax = 12_288;
/** High-water mark of every socket. Backpressure does not wait for it: whatever the system does not take at once holds the sender. */
export const socketBufferBytes = 16_384;

const nothing = Buffer.alloc(0);

export class MessageWriter {
  readonly #socket: Socket;
  #onEmptied: () => void;
  /** One character a byte. */
  #held = '';
  #isChunked = false;
  /** Nothing of the message has been written. */
  #isWhollyHeld = false;
  #waitsUntilEmpty = false;
  /**
   * Hot path: told of each write, where the system takes none at once. TLS is such a place; there an empty write behind each, to hear when
   * all is out, would be a second one all the way down (test/bench, small-tls).
   */
  readonly #onWritten: ((error?: Error | null) => void) | undefined = undefined;

  /** `onEmptied` is called when the system has taken everything that it did not take at once; not for a socket that is destroyed. */
  constructor(socket: Socket, onEmptied: () => void) {
    this.#socket = socket;
    this.#onEmptied = onEmptied;
    if (!(socket instanceof TLSSocket)) return;
    this.#onWritten = (error) => {
      // Several writes may end at once, and each tells.
      if (!this.#waitsUntilEmpty || !this.isEmpty) return;
      this.#waitsUntilEmpty = false;
      this.#onOut(error);
    };
  }

  /** Somebody else is told from now on. */
  ownedBy(onEmptied: () => void): void {
    this.#onEmptied = onEmptied;
  }

  /** Whether the system has taken all that was written. */
  get isEmpty(): boolean {
    return this.#socket.writableLength === 0;
  }

  /**
   * 0 when the system has taken everything, and less with every byte that it takes; at most twice the bytes that it has not taken. Two
   * readings tell a peer that reads slowly from one that does not read.
   */
  get unsentMark(): number {
    // `writableLength` counts a write in full until all of it is taken; only the handle sees it shrink.
    const handle: { writeQueueSize?: number } | null | undefined = Reflect.get(this.#socket, '_handle');
    return this.#held.length + this.#socket.writableLength + (handle?.writeQueueSize ?? 0);
  }

  /** Starts a message; the head is held back. */
  begin(head: string, isChunked: boolean): void {
    this.#isWhollyHeld = this.#held === '';
    this.#held += head;
    this.#isChunked = isChunked;
  }

  /** Drops the message that was begun; false when some of it has been written. */
  takeBack(): boolean {
    if (this.#isWhollyHeld) this.#held = '';
    return this.#isWhollyHeld;
  }

  /** A part of the body. False: its memory is in use, and more must not come, until `onEmptied`. */
  chunk(data: Buffer): boolean {
    const { length } = data;
    if (length > copiedBytesMax) {
      this.#writeLarge(data);
    } else if (length > 0) {
      const bytes = data.toString('latin1');
      this.#held += this.#isChunked ? chunkStart(length) + bytes + chunkEnd : bytes;
      if (this.#held.length > heldBytesMax) this.flush();
    }
    return this.isEmpty;
  }

  /** Ends the body, and sends what is held back. */
  end(): void {
    if (this.#isChunked) this.#held += lastChunk;
    this.flush();
  }

  flush(): void {
    if (this.#held !== '') this.writeNow('');
  }

  /** Writes `text`, behind what is held back. */
  writeNow(text: string): void {
    const all = this.#held + text;
    this.#held = '';
    this.#isWhollyHeld = false;
    this.#socket.write(all, 'latin1', this.#onWritten);
    this.#watch();
  }

  #writeLarge(data: Buffer): void {
    const socket = this.#socket;
    const before = this.#isChunked ? this.#held + chunkStart(data.length) : this.#held;
    this.#held = this.#isChunked ? chunkEnd : '';
    this.#isWhollyHeld = false;
    if (before === '') {
      socket.write(data, this.#onWritten);
    } else {
      socket.cork();
      socket.write(before, 'latin1');
      socket.write(data, this.#onWritten);
      socket.uncork();
    }
    this.#watch();
  }

  /** Has the owner told, when the system did not take everything at once. */
  #watch(): void {
    if (this.#waitsUntilEmpty || this.isEmpty) return;
    this.#waitsUntilEmpty = true;
    // Called when all that was written before is out.
    if (this.#onWritten === undefined)
      this.#socket.write(nothing, (error) => {
        this.#waitsUntilEmpty = false;
        this.#onOut(error);
      });
  }

  #onOut(error: Error | null | undefined): void {
    // What was not taken is gone, not taken; and whoever writes now, while the runtime empties its buffer, keeps it doing so for ever.
    if (this.#socket.destroyed || error instanceof Error) return;
    if (this.isEmpty) this.#onEmptied();
    else this.#watch();
  }
}
