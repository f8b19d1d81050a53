/** Where lines of the access log go. */

import { write } from 'node:fs';
import type { Clock } from '@causeway/runtime/clock';
import { systemCodeOf } from '@causeway/runtime/errors';

/** `written` bytes have been taken; with an error the others will not be. */
export type OnWritten = (error: Error | undefined, written: number) => void;

/** Takes bytes in order, one `write` at a time. */
export interface LogOutput {
  /** Never blocks, and may take as long as it pleases: a full pipe, a disk that hangs. */
  write(bytes: Uint8Array, done: OnWritten): void;
  /** Goes on with a file that was put in the place of the one before. Rejects when that fails; then nothing changes. */
  reopen(): Promise<void>;
  /** Not while a write is on its way. */
  close(): void;
}

/** How soon a full pipe is tried again. */
const fullPipeWaitMs = 10;

/** Writes all of `bytes`, however many calls that takes; a descriptor that does not block is asked again while it is full. */
export function writeWhole(
  descriptor: number,
  bytes: Uint8Array,
  clock: Clock,
  done: OnWritten,
  from = 0,
): void {
  write(descriptor, bytes, from, bytes.byteLength - from, null, (error, written) => {
    if (systemCodeOf(error) === 'EAGAIN') {
      clock.after(fullPipeWaitMs, () => writeWhole(descriptor, bytes, clock, done, from));
      return;
    }
    const end = error === null ? from + written : from;
    if (error !== null || end === bytes.byteLength) done(error ?? undefined, end);
    else writeWhole(descriptor, bytes, clock, done, end);
  });
}
