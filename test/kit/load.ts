// A constant load on kept-alive connections that counts what failed and why: the witness that a change went unnoticed.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onEnd, type Owner } from './owner.ts';
import { headerValues } from './raw-message.ts';
import { parseResponse, type RawResponse } from './raw-response.ts';

const reasonsMax = 100;
const answerTimeoutMs = 10_000;
/** Latencies are counted in steps of this; what takes longer than `answerTimeoutMs` is a failure. */
const latencyStepMs = 0.1;

export interface LoadOptions {
  port: number;
  /** One whole request, sent again and again. */
  request: string;
  /** Over TLS, without a look at the certificate; default false. */
  tls?: boolean;
  /** Default 8; each has one request under way at a time. */
  connections?: number;
  /** Pause of a connection between an answer and its next request; default 0. */
  pauseMs?: number;
  /** What makes an answer a failure, or `undefined`; default: a status other than 200. */
  faultOf?: (response: RawResponse) => string | undefined;
}

export interface LoadResult {
  readonly ok: number;
  readonly failed: number;
  /** At most 100 different reasons; what is more is counted as `other`. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface Load {
  /** The counts so far. */
  readonly result: LoadResult;
  /** From a request's first byte to the last one of its answer, milliseconds: at most this for `share` (0 to 1) of the answers. */
  latencyMs(share: number): number;
  /** Lets the requests under way end, closes the connections and returns the final counts. */
  stop(): Promise<LoadResult>;
}

/** Starts the load in this process. A connection that the gateway closed after saying so is opened anew without a failure. */
export function startLoad(owner: Owner, options: LoadOptions): Load {
  const counter = new Counter();
  const stopping = new AbortController();
  const clients = Array.from({ length: options.connections ?? 8 }, async () => {
    while (!stopping.signal.aborted) await runConnection(options, counter, stopping.signal);
  });
  const stop = async (): Promise<LoadResult> => {
    stopping.abort();
    await Promise.all(clients);
    return counter.result;
  };
  onEnd(owner, async () => void (await stop()));
  return {
    get result() {
      return counter.result;
    },
    latencyMs: (share) => counter.latencyMs(share),
    stop,
  };
}

class Counter {
  #ok = 0;
  #failed = 0;
  readonly #reasons = new Map<string, number>();
  readonly #latencies = new Uint32Array(answerTimeoutMs / latencyStepMs + 1);
  #answers = 0;

  time(tookMs: number): void {
    const step = Math.min(Math.floor(tookMs / latencyStepMs), this.#latencies.length - 1);
    this.#latencies[step]! += 1;
    this.#answers += 1;
  }

  latencyMs(share: number): number {
    let left = share * this.#answers;
    const step = this.#latencies.findIndex((count) => (left -= count) <= 0);
    return (step + 1) * latencyStepMs;
  }

  count(fault: string | undefined): void {
    if (fault === undefined) {
      this.#ok += 1;
      return;
    }
    this.#failed += 1;
    const reason = this.#reasons.has(fault) || this.#reasons.size < reasonsMax ? fault : 'other';
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  get result(): LoadResult {
    return { ok: this.#ok, failed: this.#failed, reasons: Object.fromEntries(this.#reasons) };
  }
}

/** Resolves when the connection is over, for whatever reason. */
async function runConnection(options: LoadOptions, counter: Counter, stopping: AbortSignal): Promise<void> {
  const { port, request, tls = false, pauseMs = 0, faultOf = statusFault } = options;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const place = { port, host: '127.0.0.1' };
  const socket = tls
    ? connectTls({ ...place, rejectUnauthorized: false })
    : connect({ ...place, noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  let waiting = true;
  let sentMs = 0;
  const fail = (reason: string): void => {
    if (waiting) counter.count(reason);
    waiting = false;
    socket.destroy();
  };
  const send = (): void => {
    waiting = !stopping.aborted;
    sentMs = performance.now();
    if (waiting) socket.write(request);
    else socket.destroy();
  };
  socket.setTimeout(answerTimeoutMs, () => fail(`no answer within ${answerTimeoutMs} ms`));
  socket.on(tls ? 'secureConnect' : 'connect', send);
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = takeAnswer(received);
    if (answer === undefined) return;
    if (typeof answer === 'string') return fail(answer);
    received = Buffer.alloc(0);
    waiting = false;
    counter.time(performance.now() - sentMs);
    counter.count(faultOf(answer));
    if (headerValues(answer, 'connection').includes('close')) socket.destroy();
    else if (pauseMs > 0) setTimeout(send, pauseMs);
    else send();
  });
  socket.on('error', (error: NodeJS.ErrnoException) =>
    fail(
      `connection failed${socket.bytesRead === 0 ? ' before its first answer' : ''}: ${error.code ?? error.message}`,
    ),
  );
  socket.on('end', () => fail('connection closed before the answer'));
  socket.on('close', () => resolve());
  await over;
  await breathe(socket);
}

/** The whole answer, a reason why there can be none, or `undefined` when bytes are missing. */
function takeAnswer(received: Buffer): RawResponse | string | undefined {
  try {
    const parsed = parseResponse(received);
    if (parsed === undefined) return undefined;
    return parsed.bytesUsed === received.length ? parsed.response : 'bytes after the answer';
  } catch (error) {
    return String(error);
  }
}

function statusFault({ status }: RawResponse): string | undefined {
  return status === 200 ? undefined : `status ${status}`;
}

/** Keeps a refused connection from being tried again in a tight loop. */
async function breathe(socket: Socket): Promise<void> {
  if (socket.bytesRead > 0) return;
  await new Promise((resolve) => setTimeout(resolve, 10));
}
