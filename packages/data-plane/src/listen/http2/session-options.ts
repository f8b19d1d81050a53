/** What the runtime is told about each HTTP/2 session: its limits, so that nothing a client sends is without one. */

import type { ServerOptions } from 'node:http2';
import type { HeadLimits } from '@causeway/http1/limits';

/**
 * Over this many times `headBytesMax` the runtime itself resets the stream (ENHANCE_YOUR_CALM), before we see anything of it; from the limit up
 * to there the client reads 431. It counts 32 bytes more for each field than we do (RFC 9113 section 6.5.2).
 */
export const headBytesFactor = 2;
const fieldOverheadBytes = 32;

/** Resets by the client (CVE-2023-44487): so many at once, and then so many a second. nginx ends a connection after 1,200. */
const streamResetBurst = 500;
const streamResetRate = 33;

/** Frames that break a rule, or are empty without ending anything (CVE-2019-9518). */
const invalidFramesMax = 500;
/** Streams beyond `streamsMax` that are refused before the session ends. */
const refusedStreamsMax = 1000;
const settingsMax = 32;

export function sessionOptions(streamsMax: number, { headBytesMax }: HeadLimits): ServerOptions {
  const headListBytesMax = headBytesFactor * headBytesMax;
  return {
    maxHeaderListPairs: Math.ceil(headListBytesMax / fieldOverheadBytes),
    maxSessionInvalidFrames: invalidFramesMax,
    maxSessionRejectedStreams: refusedStreamsMax,
    maxSettings: settingsMax,
    // Blanks around a value would make the runtime drop the field; here they make the request malformed.
    strictFieldWhitespaceValidation: false,
    streamResetBurst,
    streamResetRate,
    // An upstream may repeat what should be there once; a client gets what was sent.
    strictSingleValueFields: false,
    settings: {
      maxConcurrentStreams: streamsMax,
      maxHeaderListSize: headListBytesMax,
      enableConnectProtocol: true,
    },
  };
}
