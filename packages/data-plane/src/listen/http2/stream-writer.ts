/** Writes a response to an HTTP/2 stream: what is small goes out together, and never much of it waits. */

import type { ServerHttp2Stream } from 'node:http2';

import type { FieldList } from '../../proxy/exchange.ts';
import { copiedBytesMax } from '../../socket/read-memory.ts';
import { headersOf } from './http2-fields.ts';

/**
 * As much as is handed to the runtime at once: a write is told when all of it is out, and only then is it known that the client reads. At
 * 16 KiB a client that takes 1 KiB a second is heard of every 16 s, well within any idle timeout.
 */
const pieceBytesMax = 16_384;

export class StreamWriter {
  readonly #stream: ServerHttp2Stream;
  readonly #onEmptied: () => void;
  /** The head, while it is held back. */
  #head: string[] | undefined;
  /** What waits behind the piece that the runtime has. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes that the runtime has. */
  #writtenBytes = 0;
  #isBegun = false;
  /** The sender was told to stop. */
  #isFull = false;
  #onSent: (() => void) | undefined;
  #mayHaveTrailers = false;

  /** `onEmptied` is called when all is out that was not at once. */
  constructor(stream: ServerHttp2Stream, onEmptied: () => void) {
    this.#stream = stream;
    this.#onEmptied = onEmptied;
  }

  /** Whether a head has been given; it may not be out. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Bytes that are not out, and 0 when all are. */
  get unsentMark(): number {
    return this.#waitingBytes + this.#writtenBytes;
  }

  /** `mayHaveTrailers`: `end` will tell them, or that there are none. */
  begin(head: string[], mayHaveTrailers: boolean): void {
    this.#isBegun = true;
    this.#mayHaveTrailers = mayHaveTrailers;
    this.#head = head;
  }

  takeBack(): boolean {
    if (this.#head === undefined) return false;
    this.#head = undefined;
    this.#isBegun = false;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isFull = false;
    return true;
  }

  /** False: the chunk's memory is in use, and more must not come, until `onEmptied`. */
  chunk(data: Buffer): boolean {
    const { length } = data;
    if (length === 0) return !this.#isFull;
    // Small pieces lie in memory that the next read takes.
    this.#waiting.push(length > copiedBytesMax ? data : Buffer.from(data));
    this.#waitingBytes += length;
    if (length > copiedBytesMax || this.unsentMark > pieceBytesMax) {
      this.#isFull = true;
      this.flush();
    }
    return !this.#isFull;
  }

  flush(): void {
    this.#sendHead(false);
    if (this.#writtenBytes === 0 && this.#waitingBytes > 0) this.#writeNext();
  }

  /** Completes the response; `onSent` is called when all of it is out, not before this returns. */
  end(hasBody: boolean, trailers: FieldList | undefined, onSent: () => void): void {
    this.#onSent = onSent;
    if (this.#mayHaveTrailers && trailers !== undefined) {
      const headers = headersOf(trailers);
      this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(headers));
    }
    if (!hasBody) {
      this.#sendHead(true);
      process.nextTick(onSent);
      return;
    }
    this.#sendHead(false);
    if (this.#writtenBytes === 0) this.#writeNext();
  }

  #sendHead(isLast: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    // Without trailers the runtime ends it by a frame more.
    this.#stream.respond(head, { endStream: isLast, waitForTrailers: !isLast && this.#mayHaveTrailers });
  }

  #writeNext(): void {
    const piece = this.#takePiece();
    const isLast = this.#waitingBytes === 0 && this.#onSent !== undefined;
    this.#writtenBytes = piece.length;
    if (isLast) {
      const onSent = this.#onSent!;
      this.#stream.once('finish', () => {
        this.#writtenBytes = 0;
        onSent();
      });
      this.#stream.end(piece.length > 0 ? piece : undefined);
    } else this.#stream.write(piece, (error) => this.#onWritten(error));
  }

  #onWritten(error: Error | null | undefined): void {
    this.#writtenBytes = 0;
    // Not out but gone; the stream tells its end.
    if (error instanceof Error || this.#stream.destroyed || this.#stream.closed) return;
    if (this.#waitingBytes > 0 || this.#onSent !== undefined) return this.#writeNext();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#onEmptied();
  }

  /** The next bytes in order; small ones are put together. */
  #takePiece(): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0 && bytes < pieceBytesMax) {
      const next = this.#waiting[0]!;
      const room = pieceBytesMax - bytes;
      if (next.length > room) this.#waiting[0] = next.subarray(room);
      else this.#waiting.shift();
      parts.push(next.length > room ? next.subarray(0, room) : next);
      bytes += parts.at(-1)!.length;
    }
    this.#waitingBytes -= bytes;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}
