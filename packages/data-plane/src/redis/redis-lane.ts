/** A worker's way to one server: no question waits longer than its deadline, and while nobody answers none is asked. */

import { type Backoff, createBackoff } from '@causeway/runtime/backoff';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import type { RedisCounters } from './redis-counters.ts';

export interface RedisLaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RedisCounters;
  /** How long a question may take. */
  readonly timeoutMs: number;
  /** Asks for a sign of life; undefined: there is no connection now. */
  readonly ping: () => Promise<unknown> | undefined;
  /** Of the connection that there is now; undefined: somebody else puts together what is asked in one turn. */
  readonly stream: () => Corkable | undefined;
  /** Makes a connection anew that gives no sign. */
  readonly reconnect: () => void;
}

/** As streams of Node. */
interface Corkable {
  cork(): void;
  uncork(): void;
}

type Answer = readonly number[];

interface Waiting {
  readonly beganMs: number;
  /** So many numbers are an answer. */
  readonly counts: number;
  readonly resolve: (answer: Answer | undefined) => void;
}

/** Questions in a row that may end at their deadline before nobody is asked any more. */
const lateMax = 3;
/** Questions under way at a time. */
const waitingMax = 16_384;
/** Pace of signs of life that are asked for while there is no answer. */
const probeBaseMs = 50;
const probeMaxMs = 1000;
/** A connection that gives no sign of life for so long, or is not made, is given up. */
const signMsMax = 3000;
/** Who falls silent again before is asked less and less often, and nothing more is logged of it. */
const steadyMs = 10_000;
/** Errors of single questions are logged at most so often. */
const logMs = 60_000;

export class RedisLane {
  readonly #options: RedisLaneOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #probePace: Backoff = createBackoff({ baseMs: probeBaseMs, maxMs: probeMaxMs });
  #state: 'answering' | 'silent' | 'closed' = 'answering';
  #late = 0;
  #lastLoggedMs = -Infinity;
  #isTimerSet = false;
  #isCorked = false;
  #cancelProbe: CancelTimer = () => {};
  #pingedMs: number | undefined;
  /** Since when there has been no connection to ask for a sign. */
  #unconnectedMs: number | undefined;
  #answeringSinceMs = -Infinity;
  #isFlapping = false;

  constructor(options: RedisLaneOptions) {
    this.#options = options;
  }

  /** Asks for so many counts. Undefined: nobody is asked, or answers in time. */
  ask(counts: number, question: () => Promise<unknown>): Promise<Answer | undefined> | undefined {
    const { counters, clock, timeoutMs } = this.#options;
    if (this.#state !== 'answering' || this.#waiting.size >= waitingMax) {
      counters.count('skipped');
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const waiting = { beganMs: clock.monotonicMs(), counts, resolve };
    this.#waiting.add(waiting);
    this.#setTimer(timeoutMs);
    this.#cork();
    question().then(
      (answer) => this.#answered(waiting, answer),
      (error: unknown) => this.#failed(waiting, error),
    );
    return promise;
  }

  /** Nobody is asked until a sign of life has come. */
  fallSilent(why: string): void {
    if (this.#state !== 'answering') return;
    const { clock, counters, logger } = this.#options;
    this.#state = 'silent';
    this.#giveUpAll();
    counters.circuitOpen.add(1);
    this.#isFlapping = clock.monotonicMs() - this.#answeringSinceMs < steadyMs;
    if (!this.#isFlapping) {
      logger.warn(`Redis does not answer, limits do as their onFailure says: ${why}`);
      this.#probePace.reset();
    }
    this.#probeLater();
  }

  /** There is a connection now: asks for a sign of life, unless it has come and gone too often for that. */
  onConnected(): void {
    if (!this.#isFlapping) this.#probe();
  }

  #probe(): void {
    if (this.#state !== 'silent') return;
    const { clock, ping, reconnect } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#pingedMs !== undefined) {
      if (nowMs - this.#pingedMs > signMsMax) reconnect();
      return;
    }
    const answer = ping();
    if (answer === undefined) {
      this.#unconnectedMs ??= nowMs;
      if (nowMs - this.#unconnectedMs <= signMsMax) return;
      // A connection may hang before it is one: in TLS, or where a password is asked for.
      this.#unconnectedMs = undefined;
      reconnect();
      return;
    }
    this.#unconnectedMs = undefined;
    this.#pingedMs = nowMs;
    void this.#waitForSign(answer, nowMs);
  }

  close(): void {
    if (this.#state === 'silent') this.#options.counters.circuitOpen.add(-1);
    this.#state = 'closed';
    this.#giveUpAll();
    this.#cancelProbe();
  }

  async #waitForSign(answer: Promise<unknown>, askedMs: number): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    try {
      await answer;
      // Who takes longer than that would not answer questions in time.
      if (clock.monotonicMs() - askedMs <= timeoutMs) this.#answerAgain();
    } catch {
      // The connection is lost, or Redis is not ready: the next one tells.
    } finally {
      this.#pingedMs = undefined;
    }
  }

  #answerAgain(): void {
    if (this.#state !== 'silent') return;
    this.#state = 'answering';
    this.#late = 0;
    this.#cancelProbe();
    const { clock, counters, logger } = this.#options;
    this.#answeringSinceMs = clock.monotonicMs();
    counters.circuitOpen.add(-1);
    if (!this.#isFlapping) logger.info('Redis answers');
  }

  #probeLater(): void {
    this.#cancelProbe = this.#options.clock.after(this.#probePace.nextMs(), () => {
      this.#probe();
      if (this.#state === 'silent') this.#probeLater();
    });
  }

  /**
   * What is asked in one turn goes out in one write. Hot path: of 64 callers in a circle, 80,000 questions a second with a p99 of 1.4 ms at 4.2 us of
   * a processor each; with the pipelines of ioredis, of which one waits for the other, 30,000 to 50,000 with 11 ms and more at 8 to 14 us.
   */
  #cork(): void {
    const stream = this.#isCorked ? undefined : this.#options.stream();
    if (stream === undefined) return;
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #answered(waiting: Waiting, answer: unknown): void {
    if (!isAnswer(answer, waiting.counts))
      return this.#failed(waiting, new Error('its answer is none of a Redis'));
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
    // A thread that has stood still finds answers that came in time behind the timer: they are read first.
    this.#options.clock.after(delayMs, () => setImmediate(() => this.#onTimer()));
  }

  #onTimer(): void {
    this.#isTimerSet = false;
    const { clock, timeoutMs } = this.#options;
    const beforeMs = clock.monotonicMs() - timeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.beganMs > beforeMs) return this.#setTimer(Math.max(waiting.beganMs - beforeMs, 1));
      this.#giveUp(waiting);
      this.#late += 1;
      if (this.#late >= lateMax) return this.fallSilent(`no answer within ${timeoutMs} ms`);
    }
  }

  #giveUpAll(): void {
    for (const waiting of this.#waiting) this.#giveUp(waiting);
  }

  #giveUp(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.#options.counters.count('late');
    waiting.resolve(undefined);
  }
}

function isAnswer(answer: unknown, counts: number): answer is Answer {
  return Array.isArray(answer) && answer.length === counts && answer.every(Number.isSafeInteger);
}
