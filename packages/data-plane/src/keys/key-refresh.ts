/** Keeps the keys of one source fresh. */

import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import type { KeySource } from './key-source.ts';

export interface KeyRefreshOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fetch: (source: KeySource, signal: AbortSignal) => Promise<string>;
  /** Other keys than before. */
  readonly onKeys: (jwks: string) => void;
  /** What was kept of an earlier run. */
  readonly kept: string | undefined;
}

/** After a failure: at first, and then slower as long as it goes on. */
const retryBaseMs = 1000;
const retryMsMax = 60_000;
const reportIntervalMs = 60_000;

export class KeyRefresh {
  readonly source: KeySource;
  readonly #options: KeyRefreshOptions;
  readonly #backoff: Backoff = createBackoff({ baseMs: retryBaseMs, maxMs: retryMsMax });
  readonly #ended = new AbortController();
  #keys: string | undefined;
  #running: Promise<void> | undefined;
  #cancelTimer: CancelTimer = () => {};
  #askedMs = -Infinity;
  #toldMs = -Infinity;

  constructor(source: KeySource, options: KeyRefreshOptions) {
    this.source = source;
    this.#options = options;
    this.#keys = options.kept;
  }

  /** Those that there are. */
  get keys(): string | undefined {
    return this.#keys;
  }

  /** Fetches now; resolves when that is over, whatever came of it. One fetch at a time. */
  fetch(): Promise<void> {
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** The same for a token with an unknown key, unless that was asked a while ago. */
  async refresh(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#running === undefined && nowMs - this.#askedMs < this.source.cooldownMs) return;
    this.#askedMs = nowMs;
    await this.fetch();
  }

  stop(): void {
    this.#ended.abort();
    this.#cancelTimer();
  }

  async #fetch(): Promise<void> {
    const { clock, fetch, onKeys } = this.#options;
    const { signal } = this.#ended;
    let pauseMs: number;
    this.#cancelTimer();
    try {
      const keys = await fetch(this.source, signal);
      if (signal.aborted) return;
      this.#backoff.reset();
      pauseMs = this.source.intervalMs;
      if (keys !== this.#keys) {
        this.#keys = keys;
        onKeys(keys);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#report(messageOf(error));
      pauseMs = Math.min(this.#backoff.nextMs(), this.source.intervalMs);
    }
    this.#cancelTimer = clock.after(pauseMs, () => void this.fetch());
  }

  #report(detail: string): void {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#toldMs < reportIntervalMs) return;
    this.#toldMs = nowMs;
    const { provider, url } = this.source;
    const keeps = this.#keys === undefined ? 'there are none' : 'those of before are kept';
    logger.warn({ provider, url }, `no keys of authprovider ${provider}, ${keeps}: ${detail}`);
  }
}
