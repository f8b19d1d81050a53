/** Writes the body of a request to an HTTP/2 stream: what is small goes out together, and never much of it is in the runtime's hands. */

import type { ClientHttp2Stream } from 'node:http2';

import type { FieldList } from '../../proxy/exchange.ts';
import { headersOf } from '../../socket/http2-headers.ts';
import { copiedBytesMax } from '../../socket/read-memory.ts';

/**
 * As much as is handed to the runtime at once: a write is told when all of it is out, and only then is it known that the upstream reads. At
 * 16 KiB one that takes 1 KiB a second is heard of every 16 s, well within any idle timeout.
 */
const pieceBytesMax = 16_384;

export class BodyWriter {
  readonly #stream: ClientHttp2Stream;
  readonly #onEmptied: () => void;
  /** What waits behind the piece that the runtime has. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes that the runtime has. */
  #writtenBytes = 0;
  /** The sender was told to stop. */
  #isFull = false;
  #isEnding = false;

  /** `onEmptied` is called when all is out that was not at once. */
  constructor(stream: ClientHttp2Stream, onEmptied: () => void) {
    this.#stream = stream;
    this.#onEmptied = onEmptied;
  }

  /** Bytes that are not out, and 0 when all are. */
  get unsentMark(): number {
    return this.#waitingBytes + this.#writtenBytes;
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
    if (this.#writtenBytes === 0 && this.#waitingBytes > 0) this.#writeNext();
  }

  /** Ends the body. `trailers` are sent where the stream was opened with `waitForTrailers`. */
  end(trailers: FieldList | undefined): void {
    this.#isEnding = true;
    const stream = this.#stream;
    if (trailers !== undefined) stream.once('wantTrailers', () => stream.sendTrailers(headersOf(trailers)));
    if (this.#writtenBytes === 0) this.#writeNext();
  }

  #writeNext(): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const piece = this.#takePiece();
    this.#writtenBytes = piece.length;
    const isLast = this.#waitingBytes === 0 && this.#isEnding;
    if (isLast && piece.length === 0) stream.end();
    // With the last piece, so that no empty frame is needed for the end.
    else if (isLast) stream.end(piece, () => this.#onWritten(undefined));
    else stream.write(piece, (error) => this.#onWritten(error));
  }

  #onWritten(error: Error | null | undefined): void {
    this.#writtenBytes = 0;
    // Not out but gone; the stream tells its end.
    if (error instanceof Error || this.#stream.destroyed || this.#stream.closed) return;
    if (this.#waitingBytes > 0 || (this.#isEnding && !this.#stream.writableEnded)) return this.#writeNext();
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
