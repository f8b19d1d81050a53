/** The life of a process: steps start in order, stop in reverse, and the process always ends. */

import { systemClock, type Clock } from './clock.ts';
import { GatewayError, messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

export const exitCodes = { clean: 0, failed: 1 } as const;

export interface LifecycleOptions {
  readonly logger: Logger;
  /** Longest time for all stop actions together, milliseconds; then the process exits with 1. */
  readonly stopDeadlineMs: number;
  /** Also stop when the terminal is closed (SIGHUP); for what runs in the foreground. Default false. */
  readonly stopOnHangup?: boolean;
  readonly clock?: Clock;
  /** Where signals and crashes come from, and how to end; `process` when absent. */
  readonly host?: LifecycleHost;
}

/** The part of `process` that a lifecycle uses. */
export interface LifecycleHost {
  on(event: string, listener: (detail: unknown) => void): unknown;
  exit(code: number): void;
  /** True when a parent started this process with an IPC channel and still lives. */
  readonly connected?: boolean | undefined;
}

export interface Lifecycle {
  /**
   * Runs `start` and remembers `stop` for the end. A failed start stops what had started before and exits with 1.
   * Once stopping has begun nothing more starts: the call never returns then.
   */
  start<T>(
    name: string,
    start: () => T | Promise<T>,
    stop?: (started: T) => void | Promise<void>,
  ): Promise<T>;
  /** Begins a clean stop, as SIGTERM does. Calling it again does nothing. */
  stop(reason: string): void;
  /** Logs an error that nothing here can recover from, then stops as cleanly as it can; the exit code will be 1. */
  fail(what: string, error: unknown): void;
  /** Uncaught exceptions and unhandled rejections so far; above 0 the process is on its way out. */
  readonly crashes: number;
}

interface StopAction {
  readonly name: string;
  readonly stop: () => void | Promise<void>;
}

/**
 * Runs `main`, which calls `lifecycle.start` for each step and then returns; the process lives on until SIGTERM, SIGINT,
 * the loss of the parent's IPC channel, a crash, or `lifecycle.stop`. Exit code 0 after a clean stop; 1 after a crash, a
 * failed start, a stop that failed or took longer than `stopDeadlineMs`. A second signal, if it is not the first one's
 * echo (`signalEchoMs`), exits at once with 128 plus its number.
 */
export function runProcess(options: LifecycleOptions, main: (lifecycle: Lifecycle) => Promise<void>): void {
  const lifecycle = new ProcessLifecycle(options);
  lifecycle.listen();
  main(lifecycle).catch((error: unknown) => lifecycle.startFailed(error));
}

/**
 * A Ctrl-C reaches every process of the terminal's group, and those that wrap others (npm, our own launcher) pass it on
 * once more: what comes this soon after the first signal is the same wish told twice.
 */
const signalEchoMs = 300;

const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

class ProcessLifecycle implements Lifecycle {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #host: LifecycleHost;
  readonly #stopDeadlineMs: number;
  readonly #stopOnHangup: boolean;
  readonly #stopActions: StopAction[] = [];
  #starting: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #exitCode: number = exitCodes.clean;
  #signalledAtMs: number | undefined;
  #crashes = 0;

  constructor(options: LifecycleOptions) {
    this.#logger = options.logger;
    this.#stopDeadlineMs = options.stopDeadlineMs;
    this.#stopOnHangup = options.stopOnHangup ?? false;
    this.#clock = options.clock ?? systemClock;
    this.#host = options.host ?? process;
  }

  get crashes(): number {
    return this.#crashes;
  }

  listen(): void {
    for (const [signal, number] of Object.entries(signalNumbers)) {
      if (signal === 'SIGHUP' && !this.#stopOnHangup) continue;
      this.#host.on(signal, () => this.#onSignal(signal, number));
    }
    this.#host.on('uncaughtException', (error) => this.#onCrash('uncaught exception', error));
    this.#host.on('unhandledRejection', (error) => this.#onCrash('unhandled rejection', error));
    // Without this a killed parent would leave its children running, holding their ports and data directories.
    if (this.#host.connected) this.#host.on('disconnect', () => this.stop('the parent process is gone'));
  }

  async start<T>(
    name: string,
    start: () => T | Promise<T>,
    stop?: (started: T) => void | Promise<void>,
  ): Promise<T> {
    if (this.#stopping) return never();
    const began = Promise.try(start);
    // Stopping waits for the step in progress: what is half open cannot be closed.
    this.#starting = began.catch(() => {});
    const started = await began;
    if (stop !== undefined) this.#stopActions.push({ name, stop: () => stop(started) });
    return this.#stopping ? never() : started;
  }

  stop(reason: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#logger.info({ reason }, 'stopping');
    this.#clock.after(this.#stopDeadlineMs, () => {
      this.#logger.error({ deadlineMs: this.#stopDeadlineMs }, 'stop took too long; exiting');
      this.#host.exit(exitCodes.failed);
    });
    void this.#stopAll();
  }

  startFailed(error: unknown): void {
    // Once steps are being stopped, the start that still leans on them fails because of that.
    if (this.#stopping) this.#logger.debug({ err: error }, 'start was cut short');
    else this.fail('start failed', error);
  }

  fail(what: string, error: unknown): void {
    this.#exitCode = exitCodes.failed;
    // An operating failure says all in its message; more words and a stack would bury it.
    if (error instanceof GatewayError) this.#logger.fatal({ code: error.code }, error.message);
    else this.#logger.fatal({ err: error }, `${what}: ${messageOf(error)}`);
    this.stop(what);
  }

  #onSignal(signal: string, number: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#signalledAtMs === undefined) {
      this.#signalledAtMs = nowMs;
      this.stop(signal);
    } else if (nowMs - this.#signalledAtMs >= signalEchoMs) {
      this.#logger.warn({ signal }, 'second signal; exiting at once');
      this.#host.exit(128 + number);
    }
  }

  #onCrash(what: string, error: unknown): void {
    this.#crashes += 1;
    this.fail(what, error);
  }

  async #stopAll(): Promise<void> {
    await this.#starting;
    // One turn, so that the start in progress has handed over its stop action.
    await Promise.resolve();
    for (let action = this.#stopActions.pop(); action !== undefined; action = this.#stopActions.pop()) {
      try {
        await action.stop();
      } catch (error) {
        // The rest must still be stopped; the exit code tells that this one was not.
        this.#exitCode = exitCodes.failed;
        this.#logger.error({ err: error, step: action.name }, 'stop failed');
      }
    }
    this.#logger.info({ exitCode: this.#exitCode }, 'stopped');
    this.#host.exit(this.#exitCode);
  }
}

/** What waits for it goes no further; the process is about to exit. */
function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
