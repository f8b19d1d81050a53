/** An output of the access log that the supervisor writes to, for all workers. */

import { messageOf } from '@causeway/runtime/errors';

import type { LogOutput, OnWritten } from '../observe/log-output.ts';
import type { SupervisorAsks, SupervisorTells } from './worker-setup.ts';

export class RemoteOutput implements LogOutput {
  readonly #supervisor: SupervisorAsks & Pick<SupervisorTells, 'releaseLog'>;
  readonly #path: string | undefined;

  /** `path` undefined: stdout. */
  constructor(supervisor: SupervisorAsks & Pick<SupervisorTells, 'releaseLog'>, path: string | undefined) {
    this.#supervisor = supervisor;
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
    try {
      const { written, error } = await this.#supervisor.writeLog({ path: this.#path, bytes });
      done(error === undefined ? undefined : new Error(error), written);
    } catch (error) {
      done(new Error(messageOf(error)), 0);
    }
  }
}
