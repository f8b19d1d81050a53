/** What the runtime is told about each HTTP/2 session with an upstream: its limits, so that nothing an upstream sends is without one. */

import type { SecureClientSessionOptions } from 'node:http2';

/** Requests that one connection carries at once, if its upstream allows as many. Most servers allow 100 to 128. */
export const streamsMax = 100;

/**
 * What an upstream may send on one stream before somebody has taken it: what a slow client costs us. On a way of 1 ms it allows a stream of
 * 128 MiB a second.
 */
const streamWindowBytes = 131_072;
/** The same of a connection; the runtime opens it again whether or not anybody reads, so it bounds nothing and must not slow anything down. */
export const connectionWindowBytes = 4_194_304;

/** Frames that break a rule, or are empty without ending anything (CVE-2019-9518). */
const invalidFramesMax = 500;
const settingsMax = 32;
/** A head of more bytes is not sent; what clients may send is far less. */
const sentHeadBytesMax = 131_072;
/** By RFC 9113 section 6.5.2 each field counts as so many bytes more. */
const fieldOverheadBytes = 32;

/** What the type declarations know of servers alone; the runtime heeds it on both sides. */
interface ClientOptions extends SecureClientSessionOptions {
  readonly maxSessionInvalidFrames: number;
  readonly strictSingleValueFields: boolean;
}

export function clientOptions(headBytesMax: number): ClientOptions {
  return {
    maxHeaderListPairs: Math.ceil(headBytesMax / fieldOverheadBytes),
    maxSessionInvalidFrames: invalidFramesMax,
    maxSettings: settingsMax,
    maxSendHeaderBlockLength: sentHeadBytesMax,
    // Nothing is pushed.
    maxReservedRemoteStreams: 0,
    // We wait for what the upstream says, see `Http2Upstream`.
    peerMaxConcurrentStreams: streamsMax,
    strictFieldWhitespaceValidation: false,
    // What clients may send twice an upstream gets twice.
    strictSingleValueFields: false,
    settings: {
      enablePush: false,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: headBytesMax,
    },
  };
}
