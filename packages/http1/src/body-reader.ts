/** The body of a message: slices of what arrives, and its end. */

import { Buffer } from 'node:buffer';

import { ChunkedFraming } from './chunked-framing.ts';
import { type Fault, faults } from './fault.ts';
import { FieldKind } from './field-names.ts';
import { HeadReader, Phase, ScanResult } from './head-reader.ts';
import type { HeadLimits } from './limits.ts';
import { BodyLength } from './message-head.ts';

/** What `read` has come to. */
export const ReadEvent = {
  /** Everything is consumed, and more bytes are needed. */
  more: 0,
  /** `head` is a new head. */
  head: 1,
  /** `head` is an informational head, after which another one comes; of responses only. */
  informational: 2,
  /** `chunk` is a part of the body. */
  chunk: 3,
  /** The message is complete, and `trailers` is what followed a chunked body. */
  end: 4,
  /** `fault` says why nothing can be read any more. */
  fault: 5,
} as const;
export type ReadEvent = (typeof ReadEvent)[keyof typeof ReadEvent];

const noBytes = Buffer.alloc(0);
const noTrailers: readonly string[] = [];

const Stage = { done: 0, counted: 1, data: 2, framing: 3, trailers: 4, untilClose: 5 } as const;

export class BodyReader {
  /** Where the next call is to go on in the chunk that was given last. */
  consumedTo = 0;
  /** A slice of the chunk that was given last: no copy. */
  chunk: Buffer = noBytes;
  /** Flat list of name and value, without framing, Connection and Host. Else nothing is judged: credentials do not belong here. */
  trailers: readonly string[] = noTrailers;
  fault: Fault | undefined;

  protected readonly headReader: HeadReader;
  readonly #limits: HeadLimits;
  readonly #framing: ChunkedFraming;
  #stage: number = Stage.done;
  #remaining = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.headReader = new HeadReader(limits);
    this.#framing = new ChunkedFraming(limits.extensionBytesMax);
  }

  protected get isUntilClose(): boolean {
    return this.#stage === Stage.untilClose;
  }

  /** All bytes of a counted body are read; its end, which takes none, may not have been told. */
  get isBodyWhole(): boolean {
    return this.#stage === Stage.counted && this.#remaining === 0;
  }

  protected beginBody(bodyLength: number): void {
    this.trailers = noTrailers;
    this.#remaining = bodyLength;
    if (bodyLength >= 0) this.#stage = Stage.counted;
    else if (bodyLength === BodyLength.untilClose) this.#stage = Stage.untilClose;
    else {
      this.#framing.begin();
      this.#stage = Stage.framing;
    }
  }

  protected readBody(chunk: Buffer, from: number): ReadEvent {
    switch (this.#stage) {
      case Stage.counted:
        return this.#remaining === 0 ? this.#end(from) : this.#readData(chunk, from);
      case Stage.data:
        return this.#readData(chunk, from);
      case Stage.framing:
        return this.#readFraming(chunk, from);
      case Stage.trailers:
        return this.#readTrailers(chunk, from);
      default:
        this.#remaining = chunk.length - from;
        return this.#readData(chunk, from);
    }
  }

  /** Nothing can be read from now on. */
  protected fail(fault: Fault, at: number): ReadEvent {
    this.fault = fault;
    this.consumedTo = at;
    this.chunk = noBytes;
    return ReadEvent.fault;
  }

  #readData(chunk: Buffer, from: number): ReadEvent {
    const count = Math.min(this.#remaining, chunk.length - from);
    this.consumedTo = from + count;
    if (count === 0) return this.#more(from);
    this.#remaining -= count;
    this.chunk = count === chunk.length ? chunk : chunk.subarray(from, from + count);
    if (this.#remaining === 0 && this.#stage === Stage.data) {
      this.#framing.endData();
      this.#stage = Stage.framing;
    }
    return ReadEvent.chunk;
  }

  #readFraming(chunk: Buffer, from: number): ReadEvent {
    const framing = this.#framing;
    if (!framing.read(chunk, from)) {
      return framing.fault === undefined ? this.#more(framing.at) : this.fail(framing.fault, from);
    }
    if (framing.size > 0) {
      this.#remaining = framing.size;
      this.#stage = Stage.data;
      return this.#readData(chunk, framing.at);
    }
    this.headReader.begin(Phase.lineStart, this.#limits.trailerBytesMax);
    this.#stage = Stage.trailers;
    return this.#readTrailers(chunk, framing.at);
  }

  /** `trailer-section = *( field-line CRLF )` and the empty line (RFC 9112 section 7.1.2). */
  #readTrailers(chunk: Buffer, from: number): ReadEvent {
    const { headReader } = this;
    const result = headReader.read(chunk, from);
    if (result === ScanResult.fault) return this.fail(headReader.fault, from);
    if (result === ScanResult.more) return this.#more(chunk.length);
    const count = headReader.names.length;
    for (let index = 0; index < count; index += 1) {
      // RFC 9110 section 6.5.1 forbids framing and routing here; a server that merges them would read the message anew.
      if (headReader.kindAt(index) !== FieldKind.other) return this.fail(faults.trailerName, from);
    }
    if (count > 0) {
      const { source, base, length } = headReader;
      headReader.finishValues(source.toString('latin1', base, base + length));
      this.trailers = headReader.fields;
    }
    return this.#end(from + headReader.taken);
  }

  #more(at: number): ReadEvent {
    this.consumedTo = at;
    this.chunk = noBytes;
    return ReadEvent.more;
  }

  #end(at: number): ReadEvent {
    this.consumedTo = at;
    this.chunk = noBytes;
    this.#stage = Stage.done;
    return ReadEvent.end;
  }
}
