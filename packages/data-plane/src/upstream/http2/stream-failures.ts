/** What the codes of HTTP/2 mean for the request that they ended (RFC 9113 section 7). */

import { constants } from 'node:http2';

import type { UpstreamFailure } from '../../proxy/exchange.ts';

const names = new Map<number, string>([
  [constants.NGHTTP2_NO_ERROR, 'NO_ERROR'],
  [constants.NGHTTP2_PROTOCOL_ERROR, 'PROTOCOL_ERROR'],
  [constants.NGHTTP2_INTERNAL_ERROR, 'INTERNAL_ERROR'],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, 'FLOW_CONTROL_ERROR'],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, 'SETTINGS_TIMEOUT'],
  [constants.NGHTTP2_STREAM_CLOSED, 'STREAM_CLOSED'],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, 'FRAME_SIZE_ERROR'],
  [constants.NGHTTP2_REFUSED_STREAM, 'REFUSED_STREAM'],
  [constants.NGHTTP2_CANCEL, 'CANCEL'],
  [constants.NGHTTP2_COMPRESSION_ERROR, 'COMPRESSION_ERROR'],
  [constants.NGHTTP2_CONNECT_ERROR, 'CONNECT_ERROR'],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'ENHANCE_YOUR_CALM'],
  [constants.NGHTTP2_INADEQUATE_SECURITY, 'INADEQUATE_SECURITY'],
  [constants.NGHTTP2_HTTP_1_1_REQUIRED, 'HTTP_1_1_REQUIRED'],
]);

/** One of the two sides has found the other one's frames or fields wrong: a matter of the protocol, not of the day. */
const protocolCodes: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_STREAM_CLOSED,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
  constants.NGHTTP2_ENHANCE_YOUR_CALM,
  constants.NGHTTP2_HTTP_1_1_REQUIRED,
]);

/** The stream was reset, by the upstream or by the runtime, which does so with what it cannot read; nobody tells which. */
export function streamFailure(code: number, isAnswered: boolean): UpstreamFailure {
  return failure('stream reset', code, isAnswered);
}

/** The upstream has ended the connection, and not because it is done. */
export function goawayFailure(code: number, isAnswered: boolean): UpstreamFailure {
  return failure('connection ended', code, isAnswered);
}

function failure(how: string, code: number, isAnswered: boolean): UpstreamFailure {
  const when = isAnswered ? 'within its response' : 'before it answered';
  return {
    reason: protocolCodes.has(code) ? 'upstream_protocol_error' : 'upstream_reset',
    detail: `${how} with ${names.get(code) ?? code} ${when}`,
  };
}

/** The runtime has found a frame that breaks the connection. */
export function isProtocolError(error: Error | undefined): boolean {
  const code = error === undefined ? undefined : Reflect.get(error, 'code');
  return typeof code === 'string' && code.startsWith('ERR_HTTP2_');
}
