/** A file that lines of the access log are appended to. */

import { close, constants, open } from 'node:fs';
import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';

import { type LogOutput, type OnWritten, writeWhole } from './log-output.ts';

/** Owner and group read logs; others do not. */
const fileMode = 0o640;
/** A pipe without a reader is an error then, in the place of an `open` that never returns. */
const fileFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** How soon a file that could not be opened is tried again. */
const openAgainMs = 1000;

/** A file that lines are appended to; made when it is not there, in a directory that is. */
export class FileOutput implements LogOutput {
  readonly path: string;
  readonly #clock: Clock;
  #descriptor: number | undefined;
  #isWriting = false;
  /** To be closed when the write on its way is done. */
  #replaced: number | undefined;
  #failure: Error | undefined;
  #failedAtMs = 0;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
  }

  /** Rejects with a sentence that says what is wrong. */
  reopen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open((error) => (error ? reject(error) : resolve()));
    });
  }

  /** A file that is not open, because its directory is missing, is tried again from time to time. */
  write(bytes: Uint8Array, done: OnWritten): void {
    if (this.#descriptor !== undefined) {
      this.#writeTo(this.#descriptor, bytes, done);
      return;
    }
    if (this.#failure && this.#clock.monotonicMs() - this.#failedAtMs < openAgainMs) {
      done(this.#failure, 0);
      return;
    }
    this.#open((error) => {
      if (error) this.#fail(error, done);
      else this.write(bytes, done);
    });
  }

  close(): void {
    if (this.#descriptor !== undefined) closeQuietly(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(done: (error: Error | undefined) => void): void {
    open(this.path, fileFlags, fileMode, (error, descriptor) => {
      if (error !== null) {
        done(new Error(`cannot open ${this.path}: ${openFailure(error)}`, { cause: error }));
        return;
      }
      const before = this.#descriptor;
      this.#descriptor = descriptor;
      // A second one while a write is on its way: that write is not on the one between.
      if (this.#isWriting && this.#replaced === undefined) this.#replaced = before;
      else if (before !== undefined) closeQuietly(before);
      done(undefined);
    });
  }

  #fail(error: Error, done: OnWritten): void {
    this.#failure = error;
    this.#failedAtMs = this.#clock.monotonicMs();
    done(error, 0);
  }

  #writeTo(descriptor: number, bytes: Uint8Array, done: OnWritten): void {
    this.#isWriting = true;
    writeWhole(descriptor, bytes, this.#clock, (error, written) => {
      this.#isWriting = false;
      if (this.#replaced !== undefined) closeQuietly(this.#replaced);
      this.#replaced = undefined;
      done(error, written);
    });
  }
}

function openFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'its directory does not exist (ENOENT)';
    case 'EACCES':
      return 'this node may not write there (EACCES)';
    case 'EISDIR':
      return 'it is a directory (EISDIR)';
    case 'ENXIO':
      return 'it is a pipe that nobody reads (ENXIO)';
    default:
      return messageOf(error);
  }
}

function closeQuietly(descriptor: number): void {
  // What it held was written or reported before; there is nothing left to lose.
  close(descriptor, () => {});
}
