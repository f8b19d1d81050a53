/** Requests out of the bytes of a client's connection, one after the other (RFC 9112). */

import type { Buffer } from 'node:buffer';

import { BodyReader, ReadEvent } from './body-reader.ts';
import { cr, lf } from './byte-class.ts';
import { type Fault, faults } from './fault.ts';
import { Phase, ScanResult } from './head-reader.ts';
import { defaultLimits, type HeadLimits } from './limits.ts';
import { readRequestHead, type RequestHead } from './request-head.ts';

/** Some clients send a line end after a body. RFC 9112 section 2.2 wants at least one to be passed over; more are no HTTP. */
const emptyLinesMax = 4;

const Stage = { between: 0, head: 1, body: 2, failed: 3 } as const;

/**
 * Call `read(chunk, from)`, act on the event, and call again with the same chunk from `consumedTo`, until it answers `more` (then with
 * the next chunk), `end` (then whenever the next request may be read) or `fault` (never again). Every request is one `head`,
 * any number of `chunk`, and one `end`, also if it has no body. Heads may be kept; a chunk is a part of the caller's buffer.
 *
 * How the bytes are cut into chunks changes nothing but how often `more` is answered and how the body is cut. Memory: one buffer of
 * `headBytesMax` at most, and only while a head is incomplete.
 */
export class RequestParser extends BodyReader {
  /** Valid from `head` on. */
  head: RequestHead | undefined;

  readonly #headBytesMax: number;
  #stage: number = Stage.between;
  #emptyLines = 0;
  #isAfterCr = false;
  #isAfterBody = false;

  constructor(limits: HeadLimits = defaultLimits) {
    super(limits);
    this.#headBytesMax = limits.headBytesMax;
  }

  /** Whether what fails, or does not end, asks for a response without a body (RFC 9110 section 9.3.2). */
  get isForHead(): boolean {
    return this.headReader.isHead;
  }

  /** Whether a request has begun and not ended: what a time limit for heads is for. Empty lines begin nothing. */
  get isWithinRequest(): boolean {
    return this.#stage === Stage.head || this.#stage === Stage.body;
  }

  read(chunk: Buffer, from: number): ReadEvent {
    switch (this.#stage) {
      case Stage.between:
        return this.#readStart(chunk, from);
      case Stage.head:
        return this.#readHead(chunk, from);
      case Stage.body: {
        const event = this.readBody(chunk, from);
        if (event === ReadEvent.end) this.#endRequest();
        else if (event === ReadEvent.fault) this.#stage = Stage.failed;
        return event;
      }
      default:
        return ReadEvent.fault;
    }
  }

  /** The client sends no more. Undefined when that is fine: no request is incomplete. */
  finish(): Fault | undefined {
    if (this.isWithinRequest) this.#fail(faults.incomplete, this.consumedTo);
    return this.fault;
  }

  #readStart(chunk: Buffer, from: number): ReadEvent {
    let at = from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#isAfterCr) {
        if (byte !== lf) return this.#fail(faults.lineEnd, at);
        this.#isAfterCr = false;
      } else if (byte === cr) {
        this.#emptyLines += 1;
        if (this.#emptyLines > emptyLinesMax) return this.#fail(faults.emptyLines, at);
        this.#isAfterCr = true;
      } else if (byte === lf && this.#isAfterBody) {
        // Deviation: the last byte of a body that was counted without it; nothing else may end a line without CR.
        this.#isAfterBody = false;
      } else {
        this.#emptyLines = 0;
        this.headReader.begin(Phase.method, this.#headBytesMax);
        this.#stage = Stage.head;
        return this.#readHead(chunk, at);
      }
    }
    this.consumedTo = at;
    return ReadEvent.more;
  }

  #endRequest(): void {
    this.#stage = Stage.between;
    this.headReader.isHead = false;
    this.#isAfterBody = this.head!.bodyLength !== 0;
  }

  #readHead(chunk: Buffer, from: number): ReadEvent {
    const { headReader } = this;
    const result = headReader.read(chunk, from);
    this.consumedTo = from + headReader.taken;
    if (result === ScanResult.more) return ReadEvent.more;
    if (result === ScanResult.fault) return this.#fail(headReader.fault, from);
    const head = readRequestHead(headReader);
    if ('code' in head) return this.#fail(head, from);
    this.head = head;
    this.beginBody(head.bodyLength);
    this.#stage = Stage.body;
    return ReadEvent.head;
  }

  #fail(fault: Fault, at: number): ReadEvent {
    this.#stage = Stage.failed;
    return this.fail(fault, at);
  }
}
