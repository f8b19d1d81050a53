/** The process's stdout, without waiting for who reads it. */

import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Clock } from '@causeway/runtime/clock';

import { type LogOutput, type OnWritten, writeWhole } from './log-output.ts';

const descriptor = 1;

/**
 * `process.stdout` would block the process while a pipe is full, and a plain write one of the four threads that all files
 * share. So a pipe (a shell, containerd) is opened a second time, non-blocking for us alone, and a socket (journald, a parent
 * that is a Node) goes through the event loop. A file or a terminal never waits.
 */
export function stdoutOutput(clock: Clock): LogOutput {
  const kind = fstatSync(descriptor);
  if (kind.isSocket()) return new SocketOutput();
  const opened = kind.isFIFO() ? nonBlockingPipe() : descriptor;
  return {
    write: (bytes, done) => writeWhole(opened, bytes, clock, done),
    reopen: async () => {},
    close: () => {},
  };
}

function nonBlockingPipe(): number {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Nobody reads any more, or this is not Linux: then a full pipe blocks a thread.
    return descriptor;
  }
}

/** Never lets go of its descriptor: the next file that is opened would be stdout. Node does the same with its own. */
class StdoutSocket extends Socket {
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    callback(error);
  }
}

class SocketOutput implements LogOutput {
  readonly #socket = new StdoutSocket({ fd: descriptor, readable: false, writable: true });
  #failure: Error | undefined;

  constructor() {
    // Whoever reads is gone for good; what is written from now on is counted as lost for this reason.
    this.#socket.on('error', (error) => (this.#failure ??= error));
    this.#socket.unref();
  }

  write(bytes: Uint8Array, done: OnWritten): void {
    this.#socket.write(bytes, (error) => {
      if (error) done(this.#failure ?? error, 0);
      else done(undefined, bytes.byteLength);
    });
  }

  async reopen(): Promise<void> {}

  close(): void {}
}
