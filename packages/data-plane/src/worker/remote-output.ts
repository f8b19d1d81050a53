/** An output of the access log that the supervisor writes to, for all workers. */

import { messageOf } from '@causeway/runtime/errors';

import type { LogOutput, OnWritten } from '../observe/log-output.ts';
import type { WrittenBatch } from '../observe/log-outputs.ts';
import type { SupervisorAsks, SupervisorTells } from './worker-setup.ts';

type LogSupervisor = SupervisorAsks & Pick<SupervisorTells, 'releaseLog'>;

/** The memory of `WorkerSetup.logBatch`, for one batch at a time. */
export class BatchMemory {
  readonly #bytes: Uint8Array;
  #isTaken = false;

  constructor(memory: SharedArrayBuffer) {
    this.#bytes = new Uint8Array(memory);
  }

  /** Puts `bytes` there; false when it is in use, or too small. `free` follows. */
  take(bytes: Uint8Array): boolean {
    if (this.#isTaken || bytes.byteLength > this.#bytes.byteLength) return false;
    this.#isTaken = true;
    this.#bytes.set(bytes);
    return true;
  }

  free(): void {
    this.#isTaken = false;
  }
}

export class RemoteOutput implements LogOutput {
  readonly #supervisor: LogSupervisor;
  readonly #memory: BatchMemory;
  readonly #path: string | undefined;

  /** `path` undefined: stdout. */
  constructor(supervisor: LogSupervisor, memory: BatchMemory, path: string | undefined) {
    this.#supervisor = supervisor;
    this.#memory = memory;
    this.#path = path;
  }

  write(bytes: Uint8Array, done: OnWritten): void {
    void this.#write(bytes, done);
  }

  reopen(): Promise<void> {
    return this.#supervisor.openLog(this.#path);
  }

  close(): void {
    this.#supervisor.releaseLog(this.#path);
  }

  async #write(bytes: Uint8Array, done: OnWritten): Promise<void> {
    const isShared = this.#memory.take(bytes);
    let result: WrittenBatch;
    try {
      result = await this.#supervisor.writeLog({
        path: this.#path,
        bytes: isShared ? bytes.byteLength : bytes,
      });
    } catch (error) {
      result = { written: 0, error: messageOf(error) };
    }
    if (isShared) this.#memory.free();
    done(result.error === undefined ? undefined : new Error(result.error), result.written);
  }
}
