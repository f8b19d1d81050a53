/** A child process of the one-machine command: started, waited for, watched, and stopped. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import { formatDuration } from '@causeway/runtime/duration';
import { GatewayError } from '@causeway/runtime/errors';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import { parseListeningLine } from '@causeway/runtime/listening-line';

import { ChildLogs, type ChildLogsOptions } from './child-logs.ts';

export interface ChildOptions {
  /** As people call it: `control plane`, `node`. */
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logs: ChildLogsOptions;
}

export class SupervisedChild {
  readonly name: string;
  /** Resolves when the process is gone, with how it ended: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #logs: ChildLogs;
  readonly #addresses = new Map<string, ListenAddress>();
  #onListening: () => void = () => {};
  #stopAsked = false;

  constructor(options: ChildOptions) {
    const [program, ...args] = options.command;
    this.name = options.name;
    this.#logs = new ChildLogs(options.logs);
    this.#process = spawn(program, args, {
      env: { ...options.env },
      // Access logs belong to our own stdout. The IPC channel carries nothing: its end tells the child that we are gone.
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      // A process group of its own: Ctrl-C must reach us alone, so that the children stop in order.
      detached: true,
    });
    process.on('exit', this.#killNow);
    this.ended = this.#watchEnd();
  }

  /** Whether `stop` was called, so that the end of the process is no loss. */
  get stopAsked(): boolean {
    return this.#stopAsked;
  }

  /**
   * Resolves with where these listeners are once all of them are open; of several with one name, the first counts.
   * @throws GatewayError `child_failed` when the process ends before that, or `deadlineMs` have passed.
   */
  async listening<const N extends string>(
    names: readonly N[],
    deadlineMs: number,
  ): Promise<Readonly<Record<N, ListenAddress>>> {
    const open = Promise.withResolvers<void>();
    this.#onListening = () => {
      if (names.every((name) => this.#addresses.has(name))) open.resolve();
    };
    this.#onListening();
    const timer = setTimeout(() => {
      open.reject(this.#failure(`did not open ${names.join(' and ')} within ${formatDuration(deadlineMs)}`));
    }, deadlineMs);
    void this.ended.then((end) => open.reject(this.#failure(`did not start (${end})`)));
    try {
      await open.promise;
    } finally {
      clearTimeout(timer);
    }
    this.#logs.release();
    const addresses: Partial<Record<N, ListenAddress>> = {};
    for (const name of names) addresses[name] = this.#addresses.get(name);
    return addresses as Record<N, ListenAddress>;
  }

  /** The failure to report when the process ended unasked, `end` being what `ended` gave. */
  lost(end: string): GatewayError {
    return this.#failure(`ended unexpectedly (${end})`);
  }

  /** SIGTERM, then waits for the end, however long that takes. */
  async stop(): Promise<void> {
    this.#stopAsked = true;
    this.#process.kill('SIGTERM');
    await this.ended;
  }

  readonly #killNow = (): void => {
    this.#process.kill('SIGKILL');
  };

  async #watchEnd(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { stderr } = this.#process;
    if (stderr !== null) {
      createInterface({ input: stderr, crlfDelay: Infinity }).on('line', (line) => this.#onLine(line));
    }
    this.#process.once('error', (error) => resolve(error.message));
    // Not `exit`: the last lines, which say why, may still be in the pipe.
    this.#process.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    const end = await promise;
    process.off('exit', this.#killNow);
    return end;
  }

  #onLine(line: string): void {
    this.#logs.push(line);
    const listening = parseListeningLine(line);
    if (listening === undefined) return;
    const { listener, address: host, port } = listening;
    if (!this.#addresses.has(listener)) this.#addresses.set(listener, { host, port });
    this.#onListening();
  }

  #failure(what: string): GatewayError {
    const message = `the ${this.name} ${what}: ${this.#logs.obituary()}`;
    return new GatewayError({ code: 'child_failed', message, httpStatus: 503, grpcStatus: 14 });
  }
}
