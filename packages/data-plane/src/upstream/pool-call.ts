/** One request on a pool of connections: its body out, its response in, and the one safe retry. */

import { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';

import type { HeaderList, UpstreamCall, UpstreamEvents, UpstreamRequest } from '../proxy/exchange.ts';
import { cameFromReusedConnection } from './reused-connections.ts';
import { upstreamFailure } from './upstream-failures.ts';

/** Methods that may be sent again when nothing was answered: safe ones (RFC 9110 section 9.2.1), without a body here. */
const retriedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Informational responses that one request may bring; more are a flood. */
const informationalMax = 16;

const aborted = new Error('the exchange is over');

type State = 'waiting' | 'sent' | 'answering' | 'done';

export class PoolCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #pool: Pool;
  readonly #request: UpstreamRequest;
  readonly #events: UpstreamEvents;
  readonly #onDone: () => void;
  readonly #body: BodyFeed | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #state: State = 'waiting';
  #isPaused = false;
  /** Nobody listens any more; what is left is to let go of the connection. */
  #isAborted = false;
  #informational = 0;
  #retriesLeft: number;

  constructor(pool: Pool, request: UpstreamRequest, events: UpstreamEvents, onDone: () => void) {
    this.#pool = pool;
    this.#request = request;
    this.#events = events;
    this.#onDone = onDone;
    this.#body = request.bodyLength === 0 ? undefined : new BodyFeed(() => this.#events.onUpstreamDrain());
    this.#retriesLeft = this.#body === undefined && retriedMethods.has(request.method) ? 1 : 0;
  }

  dispatch(): void {
    const { method, target, headers, bodyLength } = this.#request;
    const isCounted = this.#body !== undefined && bodyLength !== 'unknown';
    this.#pool.dispatch(
      {
        method,
        path: target,
        headers: isCounted ? [...headers, 'content-length', String(bodyLength)] : [...headers],
        ...(this.#body !== undefined && { body: this.#body }),
      },
      this,
    );
  }

  sendChunk(chunk: Uint8Array): boolean {
    return this.#body?.push(chunk) ?? true;
  }

  endRequest(): void {
    this.#body?.push(null);
  }

  pauseResponse(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resumeResponse(): void {
    this.#isPaused = false;
    this.#controller?.resume();
  }

  abort(): void {
    if (this.#isAborted || this.#state === 'done') return;
    this.#isAborted = true;
    // While it waits for a connection there is no controller: it keeps its place until its turn, so that the queue stays
    // bounded, and ends there.
    this.#controller?.abort(aborted);
    this.#body?.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#state = 'sent';
    if (this.#isAborted) controller.abort(aborted);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#isAborted) return;
    const headers = rawHeaders(controller);
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > informationalMax)
        controller.abort(new Error('too many informational responses'));
      else this.#events.onUpstreamInformational(status, headers);
      return;
    }
    this.#state = 'answering';
    this.#events.onUpstreamHead(status, headers);
    if (this.#isPaused) controller.pause();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isAborted) this.#events.onUpstreamChunk(chunk);
  }

  onResponseEnd(): void {
    this.#finish();
    // An upstream may answer before it has the whole body; what is left of it goes nowhere.
    this.#body?.destroy();
    if (!this.#isAborted) this.#events.onUpstreamEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#state === 'done') return;
    if (!this.#isAborted && this.#mayRetry(error)) {
      this.#retriesLeft -= 1;
      this.#state = 'waiting';
      this.#controller = undefined;
      this.dispatch();
      return;
    }
    const wasSent = this.#state !== 'waiting';
    this.#finish();
    this.#body?.destroy();
    if (!this.#isAborted) this.#events.onUpstreamFailed(upstreamFailure(error, wasSent));
  }

  #mayRetry(error: Error): boolean {
    return this.#retriesLeft > 0 && this.#state === 'sent' && cameFromReusedConnection(error);
  }

  #finish(): void {
    this.#state = 'done';
    this.#onDone();
  }
}

/** The body as the stream that the client wants; chunks are pushed in, and a full buffer says so. */
class BodyFeed extends Readable {
  readonly #onDrain: () => void;

  constructor(onDrain: () => void) {
    super();
    this.#onDrain = onDrain;
    // Told to the call by the client; without a listener the process would end.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#onDrain();
  }
}

/** The head's fields; latin-1, so that every byte arrives as it was sent. */
function rawHeaders(controller: Dispatcher.DispatchController): HeaderList {
  const { rawHeaders: raw } = controller;
  if (!Array.isArray(raw)) return [];
  return raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1')));
}
