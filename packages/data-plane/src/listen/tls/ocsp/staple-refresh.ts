/** Keeps the staple of one certificate fresh. */

import { randomInt } from 'node:crypto';
import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';
import type { Turns } from '@causeway/runtime/turns';

import { ocspRequest } from './certificate-id.ts';
import { checkResponse, type OcspVerdict } from './check-response.ts';
import type { StapledCertificate } from './stapled-certificate.ts';
import type { Staple } from './staples.ts';

/** Gives the answer of the responder, or rejects. */
export type Ask = (responder: URL, question: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

export interface StapleRefreshOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ask: Ask;
  /** Bounds how many are asked for at the same time. */
  readonly turns: Turns;
  /** It has come, or, undefined, is not to be shown any more. */
  readonly onChange: (staple: Staple | undefined) => void;
  /** A number in [0, 1), for jitter. */
  readonly random?: () => number;
}

/** A new answer is asked for when half of the validity of the one before is over, up to a fifth of the wait earlier, within these bounds. */
export const refreshMsMin = 10_000;
export const refreshMsMax = 7 * 86_400_000;
const jitterShare = 0.2;
/** After a failure: at first, and then slower as long as it goes on. */
export const retryMsMin = 1000;
const retryBaseMs = 5000;
export const retryMsMax = 300_000;
/** Failures are logged no more often. */
export const reportIntervalMs = 60_000;

type Outcome = { readonly response: Uint8Array; readonly verdict: OcspVerdict };

export class StapleRefresh {
  /** "namespace/name" of those Certificates that begin with this certificate. */
  names: readonly string[];
  readonly #certificate: StapledCertificate;
  readonly #options: StapleRefreshOptions;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #ended = new AbortController();
  #staple: Staple | undefined;
  #cancelTimer: CancelTimer = () => {};
  #toldMs = -Infinity;
  /** Since then. */
  #untold = 0;

  constructor(certificate: StapledCertificate, names: readonly string[], options: StapleRefreshOptions) {
    this.#certificate = certificate;
    this.names = names;
    this.#options = options;
    this.#random = options.random ?? (() => randomInt(2 ** 32) / 2 ** 32);
    this.#backoff = createBackoff({
      baseMs: retryBaseMs,
      maxMs: retryMsMax - retryMsMin,
      random: this.#random,
    });
  }

  /** It may be over already. */
  get staple(): Staple | undefined {
    return this.#staple;
  }

  /** Asks for the first time. */
  start(): void {
    void this.#refresh();
  }

  /** Nothing is heard of it any more. */
  stop(): void {
    this.#ended.abort();
    this.#cancelTimer();
  }

  async #refresh(): Promise<void> {
    const { clock, turns } = this.#options;
    const { response, verdict } = await turns.run(() => this.#ask());
    if (this.#ended.signal.aborted) return;
    if (verdict.ok) {
      this.#backoff.reset();
      this.#change({ response, untilMs: verdict.untilMs });
    } else {
      if (verdict.isRevoked && this.#staple !== undefined) this.#change(undefined);
      this.#report(verdict.detail);
    }
    const pauseMs = verdict.ok ? this.#pauseMs(verdict) : retryMsMin + this.#backoff.nextMs();
    this.#cancelTimer = clock.after(pauseMs, () => void this.#refresh());
  }

  /** Never rejects. */
  async #ask(): Promise<Outcome> {
    const { ask, clock } = this.#options;
    const certificate = this.#certificate;
    try {
      const response = await ask(certificate.responder, ocspRequest(certificate), this.#ended.signal);
      return { response, verdict: checkResponse(response, certificate, clock.wallMs()) };
    } catch (error) {
      const verdict = { ok: false, isRevoked: false, detail: messageOf(error) } as const;
      return { response: new Uint8Array(), verdict };
    }
  }

  /** Half-way through its validity; for an answer that is older than that, half-way through what is left of it. */
  #pauseMs({ sinceMs, untilMs }: { sinceMs: number; untilMs: number }): number {
    const nowMs = this.#options.clock.wallMs();
    const half = (sinceMs + untilMs) / 2 - nowMs;
    const wantedMs = half > 0 ? half : (untilMs - nowMs) / 2;
    return Math.max(refreshMsMin, Math.min(refreshMsMax, wantedMs) * (1 - jitterShare * this.#random()));
  }

  #change(staple: Staple | undefined): void {
    this.#staple = staple;
    this.#options.onChange(staple);
  }

  #report(detail: string): void {
    const { clock, logger } = this.#options;
    this.#untold += 1;
    if (clock.monotonicMs() - this.#toldMs < reportIntervalMs) return;
    const certificate = this.names.join(', ');
    const responder = this.#certificate.responder.href;
    logger.warn(
      { certificate, responder, failures: this.#untold },
      `no new OCSP staple for certificate ${certificate}: ${detail}`,
    );
    this.#toldMs = clock.monotonicMs();
    this.#untold = 0;
  }
}
