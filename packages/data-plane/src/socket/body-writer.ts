/** Writes a body to an HTTP/2 stream: what is small goes out together, and never much of it is in the runtime's hands. */

import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';

import type { FieldList } from '../proxy/exchange.ts';
import { headersOf } from './http2-headers.ts';
import { copiedBytesMax } from './read-memory.ts';
import { pieceBytesMax, WaitingPieces } from './waiting-pieces.ts';

export class BodyWriter {
  readonly #stream: ClientHttp2Stream | ServerHttp2Stream;
  readonly #onEmptied: () => void;
  /** What waits behind the piece that the runtime has. */
  readonly #waiting = new WaitingPieces();
  /** Bytes that the runtime has. */
  #writtenBytes = 0;
  /** The sender was told to stop. */
  #isFull = false;
  #isEnding = false;

  /** `onEmptied` is called when all is out that was not at once. */
  constructor(stream: ClientHttp2Stream | ServerHttp2Stream, onEmptied: () => void) {
    this.#stream = stream;
    this.#onEmptied = onEmptied;
  }

  /** Bytes that are not out, and 0 when all are. */
  get unsentMark(): number {
    return this.#waiting.bytes + this.#writtenBytes;
  }

  /** False: the chunk's memory is in use, and more must not come, until `onEmptied`. */
  chunk(data: Buffer): boolean {
    const { length } = data;
    if (length === 0) return !this.#isFull;
    this.#waiting.add(data);
    if (length > copiedBytesMax || this.unsentMark > pieceBytesMax) {
      this.#isFull = true;
      this.flush();
    }
    return !this.#isFull;
  }

  flush(): void {
    if (this.#writtenBytes === 0 && this.#waiting.bytes > 0) this.#writeNext();
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
    const piece = this.#waiting.take();
    this.#writtenBytes = piece?.length ?? 0;
    const isLast = this.#waiting.bytes === 0 && this.#isEnding;
    if (isLast && piece === undefined) stream.end();
    // With the last piece, so that no empty frame is needed for the end.
    else if (isLast) stream.end(piece, () => this.#onWritten(undefined));
    else stream.write(piece, (error) => this.#onWritten(error));
  }

  #onWritten(error: Error | null | undefined): void {
    this.#writtenBytes = 0;
    // Not out but gone; the stream tells its end.
    if (error instanceof Error || this.#stream.destroyed || this.#stream.closed) return;
    if (this.#waiting.bytes > 0 || (this.#isEnding && !this.#stream.writableEnded)) return this.#writeNext();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#onEmptied();
  }
}
