/** Answers a stream that carries no request. */

import { constants, type ServerHttp2Stream } from 'node:http2';

import type { WholeResponse } from '../../proxy/exchange.ts';
import type { Timed, TimerWheel } from '../../proxy/timer-wheel.ts';
import { http2Fields } from './http2-fields.ts';

/** How long a client has to take such an answer. */
const takenMsMax = 10_000;

/** The rest of what the client sends is not wanted (RFC 9113 section 8.1). */
export function refuseStream(
  stream: ServerHttp2Stream,
  wheel: TimerWheel,
  { status, fields, body }: WholeResponse,
): void {
  // Of HEAD the runtime has ended our side already.
  const isHead = stream.writableEnded;
  stream.respond(http2Fields(status, fields, body.length), { endStream: isHead });
  if (isHead) return stream.close(constants.NGHTTP2_NO_ERROR);
  stream.on('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.end(body, 'latin1');
  const refused = new RefusedStream(stream);
  wheel.schedule(refused, wheel.coarseMs() + takenMsMax);
  stream.on('close', () => wheel.cancel(refused));
}

/** A client that opens no window would hold its stream for ever. */
class RefusedStream implements Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  onDue(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}
