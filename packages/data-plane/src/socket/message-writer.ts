/** Writes messages to a socket: what is small goes out together, in one write; what is large goes out as it is. */

import type { Socket } from 'node:net';
import { chunkEnd, chunkStart, lastChunk } from '@causeway/http1/write-chunk';

/**
 * Chunks up to this size are copied behind what is held back: that costs less than a write of their own. The runtime hands a text
 * of up to 16 KiB to the system from its stack.
 */
const joinedBytesMax = 4096;
const heldBytesMax = 12_288;

export class MessageWriter {
  readonly #socket: Socket;
  /** One character a byte. */
  #held = '';
  #isChunked = false;
  /** Nothing of the message has been written. */
  #isWhollyHeld = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the socket wants no more until it has drained. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
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

  /** A part of the body. False: stop until the socket drains. */
  chunk(data: Buffer): boolean {
    const { length } = data;
    if (length === 0) return !this.isFull;
    if (length > joinedBytesMax) return this.#large(data);
    const bytes = data.toString('latin1');
    this.#held += this.#isChunked ? chunkStart(length) + bytes + chunkEnd : bytes;
    if (this.#held.length > heldBytesMax) this.flush();
    return !this.isFull;
  }

  /** Ends the body, and sends what is held back. */
  end(): void {
    if (this.#isChunked) this.#held += lastChunk;
    this.flush();
  }

  flush(): void {
    if (this.#held === '') return;
    const text = this.#held;
    this.#held = '';
    this.#isWhollyHeld = false;
    this.#socket.write(text, 'latin1');
  }

  #large(data: Buffer): boolean {
    const socket = this.#socket;
    this.#isWhollyHeld = false;
    if (this.#held === '' && !this.#isChunked) return socket.write(data);
    socket.cork();
    const text = this.#isChunked ? this.#held + chunkStart(data.length) : this.#held;
    this.#held = this.#isChunked ? chunkEnd : '';
    if (text !== '') socket.write(text, 'latin1');
    const isFlowing = socket.write(data);
    socket.uncork();
    return isFlowing;
  }
}
