/** Responses out of the bytes of an upstream's connection, each to a request that was announced before (RFC 9112). */

import assert from 'node:assert';
import type { Buffer } from 'node:buffer';

import { BodyReader, ReadEvent } from './body-reader.ts';
import { type Fault, faults } from './fault.ts';
import { Phase, ScanResult } from './head-reader.ts';
import { defaultLimits, type HeadLimits } from './limits.ts';
import { readResponseHead, type ResponseHead } from './response-head.ts';

const Stage = { idle: 0, head: 1, body: 2, failed: 3 } as const;

/**
 * Call `begin` for each request, then `read` as with `RequestParser`: any number of `informational`, one `head`, any number of `chunk`,
 * one `end`. Bytes beyond `consumedTo` after the end belong to no request: the connection is in doubt, unless the status
 * was 101, after which they are of the new protocol. Every fault means that the connection is to be discarded.
 */
export class ResponseParser extends BodyReader {
  /** Valid from `informational` or `head` on. */
  head: ResponseHead | undefined;

  readonly #limits: HeadLimits;
  #stage: number = Stage.idle;
  #isHeadRequest = false;
  #asksUpgrade = false;
  #informational = 0;

  constructor(limits: HeadLimits = defaultLimits) {
    super(limits);
    this.#limits = limits;
  }

  /** A request goes out. `asksUpgrade`: it has an Upgrade field, so that 101 is a possible answer. Not for CONNECT. */
  begin(method: string, asksUpgrade = false): void {
    assert(this.#stage === Stage.idle, 'the response before this one has not ended');
    assert(method !== 'CONNECT', 'a tunnel is no response');
    this.#isHeadRequest = method === 'HEAD';
    this.#asksUpgrade = asksUpgrade;
    this.#informational = 0;
    this.#beginHead();
  }

  read(chunk: Buffer, from: number): ReadEvent {
    switch (this.#stage) {
      case Stage.idle:
        // A response that nobody asked for.
        if (from < chunk.length) return this.#fail(faults.unexpected, from);
        this.consumedTo = from;
        return ReadEvent.more;
      case Stage.head:
        return this.#readHead(chunk, from);
      case Stage.body: {
        const event = this.readBody(chunk, from);
        if (event === ReadEvent.end) this.#stage = Stage.idle;
        else if (event === ReadEvent.fault) this.#stage = Stage.failed;
        return event;
      }
      default:
        return ReadEvent.fault;
    }
  }

  /** The upstream sends no more: `end` of a body that lasts until then, `more` between responses, or `fault`. */
  finish(): ReadEvent {
    if (this.#stage === Stage.idle) return ReadEvent.more;
    if (this.#stage === Stage.failed) return ReadEvent.fault;
    if (this.#stage === Stage.head || !this.isUntilClose)
      return this.#fail(faults.incomplete, this.consumedTo);
    this.#stage = Stage.idle;
    return ReadEvent.end;
  }

  #beginHead(): void {
    this.headReader.begin(Phase.statusVersion, this.#limits.headBytesMax);
    this.#stage = Stage.head;
  }

  #readHead(chunk: Buffer, from: number): ReadEvent {
    const { headReader } = this;
    const result = headReader.read(chunk, from);
    this.consumedTo = from + headReader.taken;
    if (result === ScanResult.more) return ReadEvent.more;
    if (result === ScanResult.fault) return this.#fail(headReader.fault, from);
    const head = readResponseHead(headReader, this.#isHeadRequest);
    if ('code' in head) return this.#fail(head, from);
    this.head = head;
    return head.status < 200 ? this.#readInformational(head, from) : this.#startBody(head);
  }

  /** RFC 9110 section 15.2: any number may come before the final response, asked for or not; 101 is one that ends it. */
  #readInformational(head: ResponseHead, from: number): ReadEvent {
    if (head.status === 101) {
      if (!this.#asksUpgrade || head.minorVersion === 0) return this.#fail(faults.switchUnasked, from);
      return this.#startBody(head);
    }
    this.#informational += 1;
    if (this.#informational > this.#limits.informationalMax)
      return this.#fail(faults.informationalMany, from);
    this.#beginHead();
    return ReadEvent.informational;
  }

  #startBody(head: ResponseHead): ReadEvent {
    this.beginBody(head.bodyLength);
    this.#stage = Stage.body;
    return ReadEvent.head;
  }

  #fail(fault: Fault, at: number): ReadEvent {
    this.#stage = Stage.failed;
    return this.fail(fault, at);
  }
}
