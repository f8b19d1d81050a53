/** Writes a response to an HTTP/2 stream: what is small goes out together, and never much of it waits. */

import type { ServerHttp2Stream } from 'node:http2';

import type { FieldList } from '../../proxy/exchange.ts';
import { headersOf } from '../../socket/http2-headers.ts';
import { copiedBytesMax } from '../../socket/read-memory.ts';

/**
 * As much as is handed to the runtime at once: a write is told when all of it is out, and only then is it known that the client reads. At
 * 16 KiB a client that takes 1 KiB a second is heard of every 16 s, well within any idle timeout.
 */
const pieceBytesMax = 16_384;

/** Never written to. */
const nothing: Buffer[] = [];

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
  #waiting: Buffer[] = nothing;
  #waitingBytes = 0;
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
    this.#waiting = nothing;
    this.#waitingBytes = 0;
    this.#isFull = false;
    return true;
  }

  /** False: the chunk's memory is in use, and more must not come, until `onEmptied`. */
  chunk(data: Buffer): boolean {
    const { length } = data;
    if (length === 0) return !this.#isFull;
    // Small pieces lie in memory that the next read takes.
    const kept = length > copiedBytesMax ? data : Buffer.from(data);
    if (this.#waiting.length === 0) this.#waiting = [kept];
    else this.#waiting.push(kept);
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
    const piece = this.#takePiece();
    this.#writtenBytes = piece?.length ?? 0;
    if (this.#waitingBytes > 0 || !this.#isEnded) {
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
    if (this.#waitingBytes > 0 || this.#isEnded) return this.#writeNext();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#owner.onEmptied();
  }

  /** The next bytes in order, undefined for none; small ones are put together. */
  #takePiece(): Buffer | undefined {
    const first = this.#waiting[0];
    if (this.#waiting.length > 1 || this.#waitingBytes > pieceBytesMax) return this.#joinPiece();
    this.#waiting = nothing;
    this.#waitingBytes = 0;
    return first;
  }

  #joinPiece(): Buffer {
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
