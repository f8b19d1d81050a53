/** Fields of a request as HTTP/2 has them. */

import type { UpstreamRequest } from '../../proxy/exchange.ts';
import { http1ConnectionFields } from '../../socket/http2-headers.ts';

/** Of a client no field of its connection crosses; a filter may have put them there. */
const leftOut = http1ConnectionFields.union(new Set(['te', 'content-length']));

/** Flat, pseudo-header fields first. `authority`: of requests that name no host. */
export function requestFields(
  request: UpstreamRequest,
  scheme: 'http' | 'https',
  authority: string,
): string[] {
  const { target, fields, bodyLength, wantsTrailers, handshake } = request;
  // RFC 8441 section 4.
  const method = handshake === undefined ? request.method : 'CONNECT';
  const hasHost = fields[0] === 'host';
  const sent = [
    ':method',
    method,
    ':scheme',
    scheme,
    ':authority',
    hasHost ? fields[1]! : authority,
    ':path',
    target,
  ];
  if (handshake !== undefined) sent.push(':protocol', 'websocket');
  for (let at = hasHost ? 2 : 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase();
    if (!leftOut.has(name) && name !== 'sec-websocket-key') sent.push(name, fields[at + 1]!);
  }
  // The one thing that TE may say (RFC 9113 section 8.2.2); servers of gRPC ask for it.
  if (wantsTrailers) sent.push('te', 'trailers');
  if (typeof bodyLength === 'number' && (bodyLength > 0 || isBodyUsual(method)))
    sent.push('content-length', String(bodyLength));
  return sent;
}

/** Of these a server may ask for a length (RFC 9110 section 8.6). */
function isBodyUsual(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}
