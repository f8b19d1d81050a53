/** Lines that were dropped, told in one warning a minute: a log about a lost log must not be the next flood. */

import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';

export const reportIntervalMs = 60_000;

export class DropReport {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #total = 0;
  #untold = 0;
  #why = '';
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Since the start. */
  get total(): number {
    return this.#total;
  }

  /** The first loss is told at once, those of the minute after it together. */
  add(lines: number, why: string | undefined): void {
    this.#total += lines;
    this.#untold += lines;
    this.#why = why ?? 'the output takes no more';
    if (!this.#cancelTimer) this.#tell();
  }

  /** Tells what is untold. */
  close(): void {
    this.#cancelTimer?.();
    if (this.#untold > 0) this.#tell();
    this.#cancelTimer?.();
  }

  #tell(): void {
    this.#logger.warn(
      { dropped: this.#untold, total: this.#total },
      `access log lines are lost: ${this.#why}`,
    );
    this.#untold = 0;
    this.#cancelTimer = this.#clock.after(reportIntervalMs, () => {
      this.#cancelTimer = undefined;
      if (this.#untold > 0) this.#tell();
    });
  }
}
