/** Does to threads of this process what only a debugger can: runs code inside them. */

import { Session } from 'node:inspector';
import type { TestContext } from 'node:test';

interface Attached {
  readonly sessionId: string;
  readonly workerInfo: { readonly title: string };
}

export class ThreadControl {
  readonly #session = new Session();
  /** Debugger sessions of threads that live, by title. */
  readonly #threads = new Map<string, string>();
  #lastId = 0;

  /** Sees the threads that are there and those that come, until the end of the test. */
  constructor(context: TestContext) {
    this.#session.connect();
    context.after(() => this.#session.disconnect());
    this.#session.on('NodeWorker.attachedToWorker', ({ params }: { params: Attached }) => {
      this.#threads.set(params.sessionId, params.workerInfo.title);
    });
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }: { params: { sessionId: string } }) => {
      this.#threads.delete(params.sessionId);
    });
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  get count(): number {
    return this.#threads.size;
  }

  get ids(): string[] {
    return [...this.#threads.keys()];
  }

  /** Runs `code` in one of the threads, the oldest one without `sessionId`; what comes of it is not waited for. */
  runInOne(code: string, [sessionId] = this.ids): void {
    if (sessionId === undefined) throw new Error('no thread is there');
    this.#lastId += 1;
    const message = JSON.stringify({
      id: this.#lastId,
      method: 'Runtime.evaluate',
      params: { expression: code },
    });
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  }
}
