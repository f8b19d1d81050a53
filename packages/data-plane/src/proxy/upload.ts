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
  /** Filters want no more of it for now. */
  #isHeld = false;

  constructor(downstream: Downstream, watch: ExchangeWatch) {
    this.#downstream = downstream;
    this.#watch = watch;
  }

  begin(nowMs: number): void {
    this.#watch.beginBody(nowMs);
    this.isPaused = false;
  }

  /** The upstream takes no more; `unsentMark`: of its call. */
  fill(unsentMark: number): void {
    this.#isUpstreamFull = true;
    this.#pause(unsentMark);
  }

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
    this.#downstream.pauseBody();
  }

  #resume(nowMs: number): void {
    if (!this.isPaused || this.isDone || this.#isUpstreamFull || this.#isHeld) return;
    this.isPaused = false;
    this.#watch.resumeBody(nowMs);
    this.#downstream.resumeBody();
  }
}
