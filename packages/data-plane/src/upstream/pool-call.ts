/** One request on the connections of an endpoint, from its place in the queue to the end of its response. */

import type { UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from '../proxy/exchange.ts';
import type { Queued } from './call-queue.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** May be sent again when nothing was answered: idempotent (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** What a call needs of its pool. */
interface CallQueueOwner {
  readonly isSecure: boolean;
  /** Takes a call that has no connection out of the queue. */
  withdraw(call: PoolCall): void;
  /** The call is over. */
  onCallOver(): void;
  /** It was over for want of a response. */
  onCallFailed(failure: UpstreamFailure): void;
}

export class PoolCall implements UpstreamCall, Queued<PoolCall> {
  queueNext: PoolCall | undefined = undefined;
  queuePrevious: PoolCall | undefined = undefined;
  readonly request: UpstreamRequest;
  readonly events: UpstreamEvents;
  /** Undefined while the call waits for one, and when it is over. */
  connection: UpstreamConnection | undefined = undefined;
  /** All of the request is sent, or on its way to the socket. */
  isRequestDone: boolean;
  /** Since when it waits for a connection; monotonic. */
  waitingSinceMs = 0;
  /** It has been sent once already. */
  isRepeated = false;
  readonly #owner: CallQueueOwner;
  #isOver = false;

  constructor(owner: CallQueueOwner, request: UpstreamRequest, events: UpstreamEvents) {
    this.#owner = owner;
    this.request = request;
    this.events = events;
    this.isRequestDone = request.bodyLength === 0;
  }

  get isSecure(): boolean {
    return this.#owner.isSecure;
  }

  get unsentMark(): number {
    return this.connection?.writer.unsentMark ?? 0;
  }

  /** Whether the request may be sent once more: nobody can tell the difference, and it was not done before. */
  takeRepeat(): boolean {
    const { method, bodyLength } = this.request;
    if (this.isRepeated || bodyLength !== 0 || !repeatable.has(method)) return false;
    this.isRepeated = true;
    return true;
  }

  sendChunk(chunk: Buffer): boolean {
    return this.connection?.writer.chunk(chunk) ?? true;
  }

  flush(): void {
    this.connection?.writer.flush();
  }

  endRequest(): void {
    this.isRequestDone = true;
    this.connection?.writer.end();
  }

  pauseResponse(): void {
    this.connection?.pause();
  }

  resumeResponse(): void {
    this.connection?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    const { connection } = this;
    this.#over();
    if (connection === undefined) this.#owner.withdraw(this);
    else connection.abandon();
  }

  /** The response is complete; the connection has been taken care of. */
  end(): void {
    if (this.#isOver) return;
    this.#over();
    this.events.onUpstreamEnd();
  }

  fail(failure: UpstreamFailure): void {
    if (this.#isOver) return;
    this.#over();
    this.#owner.onCallFailed(failure);
    this.events.onUpstreamFailed(failure);
  }

  #over(): void {
    this.#isOver = true;
    this.connection = undefined;
    this.#owner.onCallOver();
  }
}
