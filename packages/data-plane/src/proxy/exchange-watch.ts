/** What an exchange is waiting for, since when, and when that has been too long. Knows no clock: the relay tells the time. */

import { deadline, type ExchangeTimeouts, rateDeadline, unroutedTimeouts } from './exchange-deadlines.ts';
import type { Reason } from './reasons.ts';

/**
 * `body`: the client's body. `upstream`: for the upstream to take the body. `head`: for its response. `response`: for the rest of that, or
 * for the client to take it. `stream`: the same of one whose bytes may be far apart.
 */
export type WaitingFor = 'body' | 'upstream' | 'head' | 'response' | 'stream';

export class ExchangeWatch {
  timeouts: ExchangeTimeouts = unroutedTimeouts;
  /** When the caller does not want an answer any more. */
  callerDueMs = Infinity;
  /** When the last byte passed, either way. */
  lastByteMs: number;
  /** When all of the request had been received. */
  requestDoneMs: number;
  /** When the first try began; 0 before it. */
  upstreamStartMs = 0;
  readonly #startedMs: number;
  /** When the current try began, put forward by the time in which only the client was waited for; Infinity while there is none. */
  #tryStartedMs = Infinity;
  /** Since when a try that could go on waits for the client's body alone; Infinity while it does not. */
  #tryHeldSinceMs = Infinity;
  /** When the gateway began to wait for the body, put forward by the time in which it did not. */
  #bodySinceMs = 0;
  #pausedSinceMs = 0;
  /** When the client fell behind with reading; Infinity while it keeps up. */
  #backlogSinceMs = Infinity;
  #backlogBytes = 0;
  /** Of whoever is slow to take what waits for him. */
  #unsentMark = 0;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    this.lastByteMs = startedMs;
    this.requestDoneMs = startedMs;
  }

  get hasBacklog(): boolean {
    return this.#backlogSinceMs !== Infinity;
  }

  /** When the whole exchange has taken too long. */
  get wholeDueMs(): number {
    return Math.min(deadline(this.#startedMs, this.timeouts.requestMs), this.callerDueMs);
  }

  /** The request is sent, or sent once more; true: once more. */
  beginTry(nowMs: number): boolean {
    const isAgain = this.upstreamStartMs > 0;
    if (!isAgain) this.upstreamStartMs = nowMs;
    this.#tryStartedMs = nowMs;
    this.#tryHeldSinceMs = Infinity;
    this.requestDoneMs = nowMs;
    return isAgain;
  }

  /** From now on the try waits for the client's body alone, which is no part of its time. */
  holdTry(nowMs: number): void {
    if (this.#tryHeldSinceMs === Infinity) this.#tryHeldSinceMs = nowMs;
  }

  /** Its time goes on. */
  runTry(nowMs: number): void {
    if (this.#tryHeldSinceMs === Infinity) return;
    this.#tryStartedMs += Math.max(nowMs - this.#tryHeldSinceMs, 0);
    this.#tryHeldSinceMs = Infinity;
  }

  /** Nobody is asked any more, or for the moment. */
  endTry(): void {
    this.#tryStartedMs = Infinity;
    this.requestDoneMs = Infinity;
  }

  beginBody(nowMs: number): void {
    this.#bodySinceMs = nowMs;
    this.lastByteMs = nowMs;
  }

  /** The upstream does not take the body as fast as it comes. */
  pauseBody(unsentMark: number): void {
    this.#unsentMark = unsentMark;
    this.#pausedSinceMs = this.lastByteMs;
  }

  /** The time in which the client could not send does not count against it. */
  resumeBody(nowMs: number): void {
    this.#bodySinceMs += nowMs - this.#pausedSinceMs;
    this.lastByteMs = nowMs;
  }

  /** The client does not take the response as fast as it comes. */
  noteBacklog(unsentMark: number, nowMs: number): void {
    if (this.hasBacklog) {
      // The rest of the piece whose beginning the system has not taken.
      this.#backlogBytes += Math.max(unsentMark - this.#unsentMark, 0);
    } else {
      this.lastByteMs = nowMs;
      this.#backlogSinceMs = nowMs;
      this.#backlogBytes = unsentMark;
    }
    this.#unsentMark = unsentMark;
  }

  endBacklog(): void {
    this.#backlogSinceMs = Infinity;
  }

  /**
   * The moment at which it has been too long. `isUnseen`: nobody would learn that the client is gone, so it has no longer than `idle` where it
   * might have had all the time in the world.
   */
  dueMs(waitingFor: WaitingFor, bytesIn: number, isUnseen: boolean): number {
    const { responseHeadMs, idleMs, streamIdleMs } = this.timeouts;
    const { requestBodyIdleMs, bytesPerSecondMin } = this.timeouts;
    const wholeMs = Math.min(this.wholeDueMs, this.#tryDueMs);
    const { lastByteMs } = this;
    switch (waitingFor) {
      case 'body': {
        const rateMs = rateDeadline(this.#bodySinceMs, bytesIn, bytesPerSecondMin);
        return Math.min(wholeMs, deadline(lastByteMs, requestBodyIdleMs), rateMs);
      }
      case 'upstream':
        return Math.min(wholeMs, deadline(lastByteMs, idleMs));
      case 'head':
        return Math.min(
          wholeMs,
          deadline(this.requestDoneMs, responseHeadMs === 0 && isUnseen ? idleMs : responseHeadMs),
        );
      case 'response':
        return Math.min(wholeMs, deadline(lastByteMs, idleMs), this.#backlogDueMs());
      case 'stream':
        return Math.min(
          this.callerDueMs,
          deadline(lastByteMs, streamIdleMs),
          isUnseen || this.hasBacklog ? deadline(lastByteMs, idleMs) : Infinity,
          this.#backlogDueMs(),
        );
    }
  }

  /** Whether the system has taken some of what waits: then somebody only is slow. */
  hasProgressed(unsentMark: number, nowMs: number): boolean {
    if (unsentMark >= this.#unsentMark) return false;
    this.#unsentMark = unsentMark;
    this.lastByteMs = nowMs;
    return true;
  }

  /** Whose fault it is that it has been too long. */
  overdueReason(waitingFor: WaitingFor, nowMs: number): Reason {
    if (this.hasBacklog) return 'request_timeout';
    const isWhole = Math.min(this.wholeDueMs, this.#tryDueMs) <= nowMs;
    return waitingFor === 'body' && !isWhole ? 'request_timeout' : 'upstream_timeout';
  }

  /** Whether it is not a single try that has taken too long, after which there may be another. */
  isOverWithTries(waitingFor: WaitingFor, nowMs: number): boolean {
    if (this.wholeDueMs <= nowMs) return true;
    return waitingFor !== 'head' && this.#tryDueMs > nowMs;
  }

  get #tryDueMs(): number {
    const isHeld = this.#tryHeldSinceMs !== Infinity;
    return isHeld ? Infinity : deadline(this.#tryStartedMs, this.timeouts.backendRequestMs);
  }

  #backlogDueMs(): number {
    if (!this.hasBacklog) return Infinity;
    return rateDeadline(this.#backlogSinceMs, this.#backlogBytes, this.timeouts.bytesPerSecondMin);
  }
}
