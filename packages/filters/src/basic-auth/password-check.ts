/** Passwords against what is stored of them: dear on purpose, so off the event loop, a few at a time, and not twice in a row. */

import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import type { StoredPassword } from '../consumers.ts';
import type { Sooner } from '../filter.ts';

/** `busy`: too many are being checked already. */
export type PasswordVerdict = 'good' | 'bad' | 'busy';

export interface PasswordCheckOptions {
  readonly monotonicMs: () => number;
  /** Checks at a time: libuv has four threads, and resolving names needs one too. */
  readonly runningMax?: number;
  /** Checks that wait for their turn. */
  readonly waitingMax?: number;
}

/** How long a password that was good is believed. One that was changed is another stored hash, so this is not how long it goes on. */
const believedMs = 60_000;
const believedMax = 10_000;

/** As costly as a real one: how long an answer takes must not tell which user names there are. */
const nobodys: StoredPassword = { salt: Buffer.alloc(16), costLog2: 14, hash: Buffer.alloc(32) };

export class PasswordCheck {
  readonly #monotonicMs: () => number;
  readonly #runningMax: number;
  readonly #waitingMax: number;
  /** Of this process, so that what is kept tells nothing of a password. */
  readonly #seal = randomBytes(32);
  /** By HMAC of the stored hash and the password; until when it is believed. The oldest come first. */
  readonly #believed = new Map<string, number>();
  readonly #running = new Map<string, Promise<PasswordVerdict>>();
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;

  constructor({ monotonicMs, runningMax = 2, waitingMax = 64 }: PasswordCheckOptions) {
    this.#monotonicMs = monotonicMs;
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** `stored` undefined: of a user that nobody knows. `password` is a byte string. */
  check(stored: StoredPassword | undefined, password: string): Sooner<PasswordVerdict> {
    const against = stored ?? nobodys;
    const mark = createHmac('sha256', this.#seal)
      .update(against.hash)
      .update(password, 'latin1')
      .digest('base64');
    const untilMs = this.#believed.get(mark);
    if (untilMs !== undefined && this.#monotonicMs() < untilMs) return 'good';
    const same = this.#running.get(mark);
    if (same !== undefined) return same;
    if (this.#runningCount >= this.#runningMax && this.#waiting.length >= this.#waitingMax) return 'busy';
    const verdict = this.#run(against, password, mark).finally(() => this.#running.delete(mark));
    this.#running.set(mark, verdict);
    return verdict;
  }

  async #run(stored: StoredPassword, password: string, mark: string): Promise<PasswordVerdict> {
    if (this.#runningCount >= this.#runningMax) {
      // Who ends gives its place to the next.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#runningCount += 1;
    try {
      const hash = await derived(Buffer.from(password, 'latin1'), stored);
      if (stored === nobodys || !timingSafeEqual(hash, stored.hash)) return 'bad';
      this.#believe(mark);
      return 'good';
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#runningCount -= 1;
      else next();
    }
  }

  #believe(mark: string): void {
    this.#believed.delete(mark);
    this.#believed.set(mark, this.#monotonicMs() + believedMs);
    if (this.#believed.size <= believedMax) return;
    const [oldest] = this.#believed.keys();
    if (oldest !== undefined) this.#believed.delete(oldest);
  }
}

function derived(password: Buffer, { salt, costLog2, hash }: StoredPassword): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** costLog2, r: 8, p: 1, maxmem: 2 ** costLog2 * 2048 };
    scrypt(password, salt, hash.length, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
