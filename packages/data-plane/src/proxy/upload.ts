/** The body of a request on its way: when it may come, and whom it waits for otherwise. Only of a request that has one. */

import type { Downstream } from './exchange.ts';
import type { ExchangeWatch } from './exchange-watch.ts';

export class Upload {
  /** All of it has been received. One of which nobody knows the length yet only ends with the connection. */
  isDone = false;
  /** It waits for the upstream, not the other way round. */
  isPaused = true;
  readonly #downstream: Downstream;
  readonly #watch: ExchangeWatch;
  #isUpstreamFull = false;
  /** The upstream has begun to answer, and is waited for whatever the client does. */
  #isAnswered = false;
  /** Filters want no more of it for now. */
  #isHeld = false;

  constructor(downstream: Downstream, watch: ExchangeWatch) {
    this.#downstream = downstream;
    this.#watch = watch;
  }

  begin(nowMs: number): void {
    this.#watch.beginBody(nowMs);
    this.isPaused = false;
    this.#awaitClient(nowMs);
  }

  /** All of it has been received, with the last byte. */
  end(): void {
    this.isDone = true;
    this.#watch.runTry(this.#watch.lastByteMs);
  }

  /** The upstream begins to answer. */
  answer(nowMs: number): void {
    this.#isAnswered = true;
    this.#watch.runTry(nowMs);
  }

  /** The upstream takes no more; `unsentMark`: of its call. */
  fill(unsentMark: number): void {
    this.#isUpstreamFull = true;
    this.#pause(unsentMark);
  }

  /** The upstream takes more, or another one does. */
  drain(nowMs: number): void {
    this.#isUpstreamFull = false;
    this.#resume(nowMs);
  }

  hold(unsentMark: number): void {
    this.#isHeld = true;
    this.#pause(unsentMark);
  }

  release(nowMs: number): void {
    this.#isHeld = false;
    this.#resume(nowMs);
  }

  #pause(unsentMark: number): void {
    if (this.isPaused || this.isDone) return;
    this.isPaused = true;
    this.#watch.pauseBody(unsentMark);
    this.#watch.runTry(this.#watch.lastByteMs);
    this.#downstream.pauseBody();
  }

  #resume(nowMs: number): void {
    if (this.isDone || this.#isUpstreamFull || this.#isHeld) return;
    this.#awaitClient(nowMs);
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#watch.resumeBody(nowMs);
    this.#downstream.resumeBody();
  }

  #awaitClient(nowMs: number): void {
    if (!this.#isAnswered) this.#watch.holdTry(nowMs);
  }
}
