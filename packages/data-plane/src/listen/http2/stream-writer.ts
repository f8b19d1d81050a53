/** Writes a response to an HTTP/2 stream: what is small goes out together, and never much of it waits. */

import type { ServerHttp2Stream } from 'node:http2';

import type { FieldList } from '../../proxy/exchange.ts';
import { headersOf } from '../../socket/http2-headers.ts';
import { copiedBytesMax } from '../../socket/read-memory.ts';
import { pieceBytesMax, WaitingPieces } from '../../socket/waiting-pieces.ts';

export interface StreamWriterOwner {
  /** All is out that was not at once. */
  onEmptied(): void;
  /** All of the response is out; only where it was asked for. */
  onSent(): void;
}

export class StreamWriter {
  readonly #stream: ServerHttp2Stream;
  readonly #owner: StreamWriterOwner;
  /** The head, while it is held back. */
  #head: string[] | undefined;
  /** What waits behind the piece that the runtime has. */
  readonly #waiting = new WaitingPieces();
  /** Bytes that the runtime has. */
  #writtenBytes = 0;
  #isBegun = false;
  /** The sender was told to stop. */
  #isFull = false;
  #isEnded = false;
  #tellsSent = false;
  #mayHaveTrailers = false;

  constructor(stream: ServerHttp2Stream, owner: StreamWriterOwner) {
    this.#stream = stream;
    this.#owner = owner;
  }

  /** Whether a head has been given; it may not be out. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Bytes that are not out, and 0 when all are. */
  get unsentMark(): number {
    return this.#waiting.bytes + this.#writtenBytes;
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
    this.#waiting.clear();
    this.#isFull = false;
    return true;
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
    this.#sendHead(false);
    if (this.#writtenBytes === 0 && this.#waiting.bytes > 0) this.#writeNext();
  }

  /**
   * Completes the response. `tellsSent`: `onSent` is called when all of it is out, not before this returns. Hot path: of a stream whose request
   * is complete the runtime tells the end at the same time, and to be told twice costs a listener.
   */
  end(hasBody: boolean, trailers: FieldList | undefined, tellsSent: boolean): void {
    this.#isEnded = true;
    this.#tellsSent = tellsSent;
    if (this.#mayHaveTrailers && trailers !== undefined) {
      const headers = headersOf(trailers);
      this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(headers));
    }
    this.#sendHead(!hasBody);
    if (!hasBody) {
      if (tellsSent) process.nextTick(() => this.#owner.onSent());
    } else if (this.#writtenBytes === 0) this.#writeNext();
  }

  #sendHead(isLast: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    // Without trailers the runtime ends it by a frame more.
    this.#stream.respond(head, { endStream: isLast, waitForTrailers: !isLast && this.#mayHaveTrailers });
  }

  #writeNext(): void {
    const piece = this.#waiting.take();
    this.#writtenBytes = piece?.length ?? 0;
    if (this.#waiting.bytes > 0 || !this.#isEnded) {
      this.#stream.write(piece, (error) => this.#onWritten(error));
      return;
    }
    if (this.#tellsSent) this.#stream.once('finish', () => this.#onFinished());
    this.#stream.end(piece);
  }

  #onFinished(): void {
    this.#writtenBytes = 0;
    this.#owner.onSent();
  }

  #onWritten(error: Error | null | undefined): void {
    this.#writtenBytes = 0;
    // Not out but gone; the stream tells its end.
    if (error instanceof Error || this.#stream.destroyed || this.#stream.closed) return;
    if (this.#waiting.bytes > 0 || this.#isEnded) return this.#writeNext();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#owner.onEmptied();
  }
}
