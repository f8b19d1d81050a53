/**
 * Where the lines of all workers go. One thread writes, a batch after the other: pieces of two writers would meet in the middle of a line where
 * the system takes less than a whole batch, as pipes do.
 */

import type { Clock } from '@causeway/runtime/clock';

import { FileOutput } from './file-output.ts';
import type { LogOutput } from './log-output.ts';
import { stdoutOutput } from './stdout-output.ts';

/** What became of a batch. */
export interface WrittenBatch {
  /** Bytes that were taken. */
  readonly written: number;
  /** Why the others were not. */
  readonly error: string | undefined;
}

interface Opened {
  readonly output: LogOutput;
  /** Undefined = stdout. */
  readonly path: string | undefined;
  /** Those who write to it; each has one batch on its way at most. */
  readonly writers: Set<object>;
  last: Promise<unknown>;
  /** It ends within a line. */
  isTorn: boolean;
}

const lineEnd = 0x0a;

export class LogOutputs {
  readonly #clock: Clock;
  readonly #opened = new Map<string | undefined, Opened>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with a sentence when the file cannot be opened; it is tried again with what is written to it, until it is released. */
  async open(writer: object, path: string | undefined): Promise<void> {
    const known = this.#opened.get(path);
    if (known !== undefined) {
      known.writers.add(writer);
      return;
    }
    const output = path === undefined ? stdoutOutput(this.#clock) : new FileOutput(path, this.#clock);
    const opened = { output, path, writers: new Set([writer]), last: Promise.resolve(), isTorn: false };
    this.#opened.set(path, opened);
    await output.reopen();
  }

  write(path: string | undefined, bytes: Uint8Array): Promise<WrittenBatch> {
    const opened = this.#opened.get(path);
    if (opened === undefined) return Promise.resolve({ written: 0, error: 'the output is closed' });
    const result = opened.last.then(() => writeTo(opened, bytes));
    opened.last = result;
    return result;
  }

  /** Closes an output that nobody else writes to, once what is on its way is written. */
  release(writer: object, path: string | undefined): void {
    const opened = this.#opened.get(path);
    if (opened === undefined || !opened.writers.delete(writer) || opened.writers.size > 0) return;
    this.#opened.delete(path);
    void opened.last.then(() => opened.output.close());
  }

  /** For a writer that has ended. */
  releaseAll(writer: object): void {
    for (const path of this.#opened.keys()) this.release(writer, path);
  }

  /** After files were moved away: goes on in new ones of the old names. Gives their names; rejects with a sentence when one goes on in the old file. */
  async reopen(): Promise<string[]> {
    const files = Array.from(this.#opened.values()).filter(({ path }) => path !== undefined);
    await Promise.all(files.map(({ output }) => output.reopen()));
    return files.map(({ path }) => path!);
  }
}

function writeTo(opened: Opened, bytes: Uint8Array): Promise<WrittenBatch> {
  const prefix = opened.isTorn ? 1 : 0;
  const all = prefix === 0 ? bytes : Buffer.concat([Buffer.of(lineEnd), bytes]);
  return new Promise((resolve) => {
    opened.output.write(all, (error, written) => {
      if (written > 0) opened.isTorn = all[written - 1] !== lineEnd;
      resolve({ written: Math.max(written - prefix, 0), error: error?.message });
    });
  });
}
