/** Questions and answers over a message port, and messages that want no answer. */

import type { MessagePort, Worker } from 'node:worker_threads';
import { messageOf } from '@causeway/runtime/errors';

export type CallPort = MessagePort | Worker;

interface Ask {
  readonly ask: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Tell {
  readonly tell: string;
  readonly argument: unknown;
}

interface Answer {
  readonly answer: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How one side answers the other; by name. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class PortCalls {
  readonly #port: CallPort;
  readonly #handlers: Handlers;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed: Error | undefined;

  constructor(port: CallPort, handlers: Handlers) {
    this.#port = port;
    this.#handlers = handlers;
    const receive = (message: Ask | Tell | Answer): void => this.#receive(message);
    // Their types have nothing in common that could be called.
    if ('threadId' in port) port.on('message', receive);
    else port.on('message', receive);
  }

  /** Rejects with the error of the other side, or when that has ended. */
  ask<T>(name: string, argument?: unknown): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    this.#lastId += 1;
    const id = this.#lastId;
    this.#port.postMessage({ ask: id, name, argument } satisfies Ask, []);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  tell(name: string, argument?: unknown): void {
    if (this.#closed === undefined) this.#port.postMessage({ tell: name, argument } satisfies Tell, []);
  }

  /** The other side has ended: nothing is answered any more. */
  close(error: Error): void {
    this.#closed ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #receive(message: Ask | Tell | Answer): void {
    if ('answer' in message) {
      const waiting = this.#waiting.get(message.answer);
      this.#waiting.delete(message.answer);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.error));
    } else if ('tell' in message) {
      this.#handlers[message.tell]!(message.argument as never);
    } else {
      void this.#answer(message);
    }
  }

  async #answer({ ask, name, argument }: Ask): Promise<void> {
    let answer: Answer;
    try {
      answer = { answer: ask, value: await this.#handlers[name]!(argument as never) };
    } catch (error) {
      answer = { answer: ask, error: messageOf(error) };
    }
    if (this.#closed === undefined) this.#port.postMessage(answer, []);
  }
}
