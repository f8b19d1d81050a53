import type { Clock } from '@causeway/runtime/clock';

export interface PendingHook {
  /** When it has failed; monotonic. */
  readonly atMs: number;
  readonly onLate: () => void;
}

/** Deadlines of hooks that all take equally long, in the order in which they began: one timer is enough for all of them. */
export class HookDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** In the order of `atMs`. */
  readonly #pending = new Set<PendingHook>();
  #isArmed = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** `onLate` is called once, unless the hook is removed before. */
  add(onLate: () => void): PendingHook {
    const hook = { atMs: this.#clock.monotonicMs() + this.#timeoutMs, onLate };
    this.#pending.add(hook);
    if (!this.#isArmed) this.#arm(this.#timeoutMs);
    return hook;
  }

  remove(hook: PendingHook): void {
    this.#pending.delete(hook);
  }

  #arm(delayMs: number): void {
    this.#isArmed = true;
    this.#clock.after(delayMs, () => {
      this.#isArmed = false;
      this.#expire();
    });
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const hook of this.#pending) {
      if (hook.atMs > nowMs) {
        if (!this.#isArmed) this.#arm(hook.atMs - nowMs);
        return;
      }
      this.#pending.delete(hook);
      hook.onLate();
    }
  }
}
