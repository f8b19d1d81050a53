/** A worker's way to Redis: no question waits longer than its deadline, and while nobody answers none is asked. */

import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import { limitScript, limitScriptSha } from './limit-script.ts';
import { connectRedis, type RedisClient } from './redis-client.ts';
import type { RedisCounters } from './redis-counters.ts';
import type { RedisSettings } from './redis-settings.ts';

export interface RedisLinkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RedisCounters;
}

interface Waiting {
  readonly beganMs: number;
  readonly resolve: (answer: readonly number[] | undefined) => void;
}

/** Questions in a row that may end at their deadline before nobody is asked any more. */
const lateMax = 3;
/** Questions under way at a time. */
const waitingMax = 16_384;
/** Pace at which a Redis that does not answer is tried. */
const probeBaseMs = 50;
const probeMaxMs = 1000;
/** A connection on which a ping is not answered for so long is given up. */
const pingMsMax = 3000;
/** Errors of single questions are logged at most so often. */
const logMs = 60_000;

export class RedisLink {
  readonly #settings: RedisSettings;
  readonly #options: RedisLinkOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #probePace: Backoff = createBackoff({ baseMs: probeBaseMs, maxMs: probeMaxMs });
  readonly #ready = Promise.withResolvers<void>();
  #client: RedisClient | undefined;
  #state: 'connecting' | 'answering' | 'silent' | 'closed' = 'connecting';
  #late = 0;
  #lastLoggedMs = -Infinity;
  #isTimerSet = false;
  #cancelProbe: CancelTimer = () => {};
  #pingedMs: number | undefined;

  constructor(settings: RedisSettings, options: RedisLinkOptions) {
    this.#settings = settings;
    this.#options = options;
    options.counters.circuitOpen.set(1);
    void this.#connect();
  }

  get settings(): RedisSettings {
    return this.#settings;
  }

  /** Resolves when Redis has answered, or failed to, for the first time. */
  get settled(): Promise<void> {
    return this.#ready.promise;
  }

  /** Runs the script; undefined: nobody is asked, or answers in time. */
  run(
    keys: readonly string[],
    values: readonly number[],
  ): Promise<readonly number[] | undefined> | undefined {
    const { counters, clock } = this.#options;
    if (this.#state !== 'answering' || this.#waiting.size >= waitingMax) {
      counters.count('skipped');
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<readonly number[] | undefined>();
    const waiting = { beganMs: clock.monotonicMs(), resolve };
    this.#waiting.add(waiting);
    this.#setTimer(this.#settings.timeoutMs);
    evaluate(this.#client!, keys, values).then(
      (answer) => this.#answered(waiting, answer as number[]),
      (error: unknown) => this.#failed(waiting, error),
    );
    return promise;
  }

  close(): void {
    this.#fallSilent(undefined);
    this.#state = 'closed';
    this.#cancelProbe();
    this.#client?.disconnect();
    this.#ready.resolve();
  }

  async #connect(): Promise<void> {
    const client = await connectRedis(this.#settings);
    if (this.#state === 'closed') return client.disconnect();
    this.#client = client;
    client.on('ready', () => this.#probe());
    client.on('error', (error: unknown) => this.#fallSilent(messageOf(error)));
    client.on('close', () => this.#fallSilent('the connection is lost'));
  }

  #answered(waiting: Waiting, answer: readonly number[]): void {
    if (!this.#waiting.delete(waiting)) return;
    const { counters, clock } = this.#options;
    this.#late = 0;
    counters.count('answered');
    counters.roundTrip.observe((clock.monotonicMs() - waiting.beganMs) / 1000);
    waiting.resolve(answer);
  }

  #failed(waiting: Waiting, error: unknown): void {
    if (!this.#waiting.delete(waiting)) return;
    const { counters, clock, logger } = this.#options;
    counters.count('failed');
    waiting.resolve(undefined);
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastLoggedMs < logMs) return;
    this.#lastLoggedMs = nowMs;
    // The message alone: the error has the command in it.
    logger.warn(`Redis refuses to count: ${messageOf(error)}`);
  }

  /** All wait equally long, so those who have waited longest come first, and one timer is enough. */
  #setTimer(delayMs: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    this.#options.clock.after(delayMs, () => this.#onTimer());
  }

  #onTimer(): void {
    this.#isTimerSet = false;
    const { timeoutMs } = this.#settings;
    const beforeMs = this.#options.clock.monotonicMs() - timeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.beganMs > beforeMs) return this.#setTimer(Math.max(waiting.beganMs - beforeMs, 1));
      this.#giveUp(waiting);
      this.#late += 1;
      if (this.#late >= lateMax) return this.#fallSilent(`no answer within ${timeoutMs} ms`);
    }
  }

  #giveUp(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.#options.counters.count('late');
    waiting.resolve(undefined);
  }

  /** Nobody is asked until a ping is answered. `why` undefined: on purpose. */
  #fallSilent(why: string | undefined): void {
    if (this.#state === 'closed') return;
    for (const waiting of this.#waiting) this.#giveUp(waiting);
    if (this.#state !== 'silent' && why !== undefined) {
      this.#options.logger.warn(`Redis does not answer, limits do as their onFailure says: ${why}`);
      this.#probePace.reset();
      this.#probeLater();
    }
    this.#state = 'silent';
    this.#options.counters.circuitOpen.set(1);
    this.#ready.resolve();
  }

  #probeLater(): void {
    this.#cancelProbe();
    this.#cancelProbe = this.#options.clock.after(this.#probePace.nextMs(), () => {
      this.#probe();
      if (this.#state === 'silent') this.#probeLater();
    });
  }

  #probe(): void {
    const client = this.#client;
    if (client === undefined || this.#state === 'answering' || this.#state === 'closed') return;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#pingedMs !== undefined) {
      if (nowMs - this.#pingedMs > pingMsMax) client.disconnect(true);
      return;
    }
    if (client.status !== 'ready') return;
    this.#pingedMs = nowMs;
    void this.#ping(client);
  }

  async #ping(client: RedisClient): Promise<void> {
    try {
      await client.ping();
      this.#speakAgain();
    } catch {
      // The connection is lost, or Redis is not ready: the next probe tells.
    } finally {
      this.#pingedMs = undefined;
    }
  }

  #speakAgain(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'silent') this.#options.logger.info('Redis answers');
    this.#state = 'answering';
    this.#late = 0;
    this.#options.counters.circuitOpen.set(0);
    this.#ready.resolve();
  }
}

async function evaluate(
  client: RedisClient,
  keys: readonly string[],
  values: readonly number[],
): Promise<unknown> {
  try {
    return await client.evalsha(limitScriptSha, keys.length, ...keys, ...values);
  } catch (error) {
    // It knows no scripts after a restart; who sends it once more leaves it there for all.
    if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
    return client.eval(limitScript, keys.length, ...keys, ...values);
  }
}
