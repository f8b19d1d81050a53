/** Lines in batches to an output: neither a slow reader nor a full disk may slow down traffic or fill the memory. */

import type { CancelTimer, Clock } from '@causeway/runtime/clock';

import type { LogOutput } from './log-output.ts';

/** Bytes of lines that wait to be written; beyond it lines are dropped and counted. */
export const waitingBytesMax = 8 * 1024 * 1024;
/** A batch is written when it is this large or this old. */
export const batchBytes = 64 * 1024;
/** Lines that come while one is written make the next one larger: up to this it takes no new memory. */
export const batchBytesMax = 2 * batchBytes;
export const batchAgeMs = 50;
/** Longest wait at the end of the process for an output that takes nothing. */
export const closeWaitMs = 2000;

/** `error` is undefined for lines that nobody took in time. */
export type OnDropped = (lines: number, error: Error | undefined) => void;

const lineEnd = 0x0a;

export class LogWriter {
  readonly #output: LogOutput;
  readonly #clock: Clock;
  readonly #onDropped: OnDropped;
  readonly #buffer = Buffer.allocUnsafeSlow(batchBytesMax);
  #lines = '';
  #cancelTimer: CancelTimer | undefined;
  /** The batch that is being written. */
  #batch: Uint8Array | undefined;
  #onIdle: (() => void)[] = [];
  readonly #bytesMax: number;

  constructor(output: LogOutput, clock: Clock, onDropped: OnDropped, bytesMax = waitingBytesMax) {
    this.#bytesMax = bytesMax;
    this.#output = output;
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Takes a line with its end, all of it ASCII. Hot path: a comparison and a concatenation. */
  add(line: string): void {
    if (this.#lines.length + (this.#batch?.byteLength ?? 0) > this.#bytesMax) {
      this.#onDropped(1, undefined);
      return;
    }
    this.#lines += line;
    if (this.#lines.length >= batchBytes) this.#writeNext();
    else this.#cancelTimer ??= this.#clock.after(batchAgeMs, () => this.#writeNext());
  }

  /** Resolves when all lines are written, or have been given up. */
  async flush(): Promise<void> {
    this.#writeNext();
    if (this.#batch) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Writes what waits, gives up what nobody takes, and lets the output go. Nothing is added after it. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#clock.after(closeWaitMs, () => resolve(false));
    void this.flush().then(() => resolve(true));
    const isWritten = await promise;
    cancel();
    // A write that is still on its way needs its descriptor.
    if (isWritten) this.#output.close();
    else this.#giveUp();
  }

  #giveUp(): void {
    this.#onDropped(linesIn(this.#batch ?? []) + linesIn(Buffer.from(this.#lines, 'latin1')), undefined);
    this.#lines = '';
  }

  #writeNext(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#batch) return;
    if (this.#lines === '') {
      for (const resolve of this.#onIdle.splice(0)) resolve();
      return;
    }
    const bytes = this.#encode(this.#lines);
    this.#lines = '';
    this.#batch = bytes;
    this.#output.write(bytes, (error, written) => this.#onWritten(bytes, error, written));
  }

  /** Hot path: one buffer for all batches of the usual size, since there is never more than one on its way. */
  #encode(text: string): Uint8Array {
    if (text.length > this.#buffer.length) return Buffer.from(text, 'latin1');
    return this.#buffer.subarray(0, this.#buffer.write(text, 'latin1'));
  }

  #onWritten(bytes: Uint8Array, error: Error | undefined, written: number): void {
    this.#batch = undefined;
    if (error) this.#onDropped(linesIn(bytes.subarray(written)), error);
    this.#writeNext();
  }
}

function linesIn(bytes: Iterable<number>): number {
  let count = 0;
  for (const byte of bytes) if (byte === lineEnd) count += 1;
  return count;
}
