/** The one place where errors of sockets, of DNS and of the HTTP client become reasons that clients are told. */

import { errors } from 'undici';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';

import type { UpstreamFailure } from '../proxy/exchange.ts';

/** What the upstream sent is no HTTP, or not what its head had announced. */
const protocolCodes: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);

/**
 * @param wasSent whether the request had been written to a connection when `error` came; before, everything is a failure to
 *   connect, since nothing else has happened yet.
 */
export function upstreamFailure(error: unknown, wasSent: boolean): UpstreamFailure {
  const code = systemCodeOf(error);
  const detail = code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`;
  if (!wasSent) return { reason: 'upstream_connect_failed', detail };
  const isProtocol = isParserError(error) || (code !== undefined && protocolCodes.has(code));
  return { reason: isProtocol ? 'upstream_protocol_error' : 'upstream_reset', detail };
}

/** A message that ends too early is a broken connection, although the parser is the one to notice. */
function isParserError(error: unknown): boolean {
  return error instanceof errors.HTTPParserError && error.code !== 'HPE_INVALID_EOF_STATE';
}
