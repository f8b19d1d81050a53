/** Answers a stream that carries no request. */

import { constants, type ServerHttp2Stream } from 'node:http2';

import type { WholeResponse } from '../../proxy/exchange.ts';
import { http2Fields } from './http2-fields.ts';

/** The rest of what the client sends is not wanted (RFC 9113 section 8.1). */
export function refuseStream(stream: ServerHttp2Stream, { status, fields, body }: WholeResponse): void {
  // Of HEAD the runtime has ended our side already.
  const isHead = stream.writableEnded;
  stream.respond(http2Fields(status, fields, body.length), { endStream: isHead });
  if (isHead) return stream.close(constants.NGHTTP2_NO_ERROR);
  stream.on('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.end(body, 'latin1');
}
