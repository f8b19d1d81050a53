/** A body that stands still before filters: one of them wants all of it at once, or its head has not passed yet. */

import type { ReadBody } from '@causeway/filters/filter';

/** What the bodies that a worker holds may come to, in bytes. */
const heldBytesMax = 67_108_864;

/** Of one worker, for all bodies that filters read whole. */
export class BodyRoom {
  #free = heldBytesMax;

  /** False: there is no room for so many bytes, and none is taken. */
  enter(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  leave(bytes: number): void {
    this.#free += bytes;
  }
}

interface Reader {
  readonly bytesMax: number;
  readonly resolve: (body: ReadBody) => void;
}

export class HeldBody {
  readonly #room: BodyRoom;
  #chunks: Buffer[] = [];
  /** Of the chunks; what was read for a filter has taken room for them. */
  #bytes = 0;
  #roomTaken = 0;
  #isWhole = false;
  #readers: Reader[] = [];

  constructor(room: BodyRoom) {
    this.#room = room;
  }

  /** Its end has come. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** So far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A filter waits for more of it. */
  get isWanted(): boolean {
    return this.#readers.length > 0;
  }

  /** The chunk is copied. */
  add(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    if (this.#readers.length === 0) return;
    this.#answer('tooLarge', ({ bytesMax }) => this.#bytes > bytesMax);
    if (this.#readers.length > 0 && !this.#takeRoom()) this.#answer('noRoom');
  }

  end(): void {
    this.#isWhole = true;
    if (this.#readers.length > 0) this.#answer(this.#joined());
  }

  /** What a filter is told that is no body may be read again, with another bound. */
  read(bytesMax: number): ReadBody | Promise<ReadBody> {
    if (this.#bytes > bytesMax) return 'tooLarge';
    if (!this.#takeRoom()) return 'noRoom';
    if (this.#isWhole) return this.#joined();
    const { promise, resolve } = Promise.withResolvers<ReadBody>();
    this.#readers.push({ bytesMax, resolve });
    return promise;
  }

  /** Of a whole one. */
  replace(body: Buffer): void {
    this.#chunks = [body];
    this.#bytes = body.length;
  }

  /** Lets it go on: these are its bytes so far. */
  take(): Buffer[] {
    const chunks = this.#chunks;
    this.close();
    return chunks;
  }

  /** Nobody wants it any more. */
  close(): void {
    this.#readers = [];
    this.#chunks = [];
    this.#room.leave(this.#roomTaken);
    this.#roomTaken = 0;
    this.#bytes = 0;
  }

  /** For all that is here. */
  #takeRoom(): boolean {
    const wanted = this.#bytes - this.#roomTaken;
    if (wanted <= 0) return true;
    if (!this.#room.enter(wanted)) return false;
    this.#roomTaken = this.#bytes;
    return true;
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #answer(body: ReadBody, isMeant: (reader: Reader) => boolean = () => true): void {
    const meant = this.#readers.filter(isMeant);
    this.#readers = this.#readers.filter((reader) => !meant.includes(reader));
    for (const { resolve } of meant) resolve(body);
  }
}
