/**
 * Keeps what is wrong with one stream from ending its connection. Of DATA beyond Content-Length nghttp2 makes a reset of the stream with PROTOCOL_ERROR,
 * as RFC 9113 section 8.1.1 wants it; but it tells the runtime so by the same code as a fault of the connection, and the runtime ends the session with
 * all of its streams, and gives INTERNAL_ERROR as the reason.
 */

import { constants, type Http2Session } from 'node:http2';

import { Allowance } from './allowance.ts';

/** So many streams of a connection may be at fault in a window of `Allowance` before it is ended (CVE-2025-8671 is of this kind). */
const streamFaultsMax = 50;

/** What nghttp2 calls NGHTTP2_ERR_PROTO. */
const protocolErrno = -505;

/** How often and for how long to look whether a reset that waits behind what the peer does not read goes out. */
const looksMax = 10;
const lookMs = 100;

export class StreamFaults {
  readonly #session: Http2Session;
  readonly #destroy: Http2Session['destroy'];
  readonly #allowance = new Allowance(streamFaultsMax);
  /** Faults whose stream has not been reset. */
  #unexplained = 0;
  #error: Error | undefined;

  /** From now on `session.destroy` ends it for such a fault when no stream of it is reset. */
  constructor(session: Http2Session, nowMs: () => number) {
    this.#session = session;
    this.#destroy = session.destroy.bind(session);
    session.destroy = (error, code) => {
      if (!isFault(error) || code !== undefined) this.#destroy(error, code);
      else if (this.#allowance.take(nowMs())) this.#await(error);
      else this.#destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
  }

  /** What the connection is about to end for, if it is not the fault of a stream. */
  get error(): Error | undefined {
    return this.#unexplained > 0 ? this.#error : undefined;
  }

  /** `code`: of the RST_STREAM. */
  onStreamClosed(code: number): void {
    if (this.#unexplained > 0 && code === constants.NGHTTP2_PROTOCOL_ERROR) this.#unexplained -= 1;
  }

  #await(error: Error): void {
    this.#error = error;
    this.#unexplained += 1;
    if (this.#unexplained === 1) setImmediate(() => this.#look(looksMax));
  }

  /** With nothing left to send, a reset would be out: then it is the connection that nghttp2 has ended. */
  #look(looks: number): void {
    if (this.#unexplained === 0 || this.#session.destroyed) return;
    if (looks > 0 && (this.#session.state.outboundQueueSize ?? 0) > 0)
      setTimeout(() => this.#look(looks - 1), lookMs).unref();
    else this.#destroy(this.#error, constants.NGHTTP2_PROTOCOL_ERROR);
  }
}

/** The runtime also calls `destroy` with a code in the place of the error. */
function isFault(error: unknown): error is Error {
  return error instanceof Error && Reflect.get(error, 'errno') === protocolErrno;
}
