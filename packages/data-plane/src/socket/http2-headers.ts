/** What both sides of HTTP/2 need of fields. */

import type { FieldList } from '../proxy/exchange.ts';

/** Fields of one connection, which HTTP/2 does not have (RFC 9113 section 8.2.2). TE is one of them but for requests that ask for trailers. */
export const http1ConnectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** A list as an object: the runtime takes lists for final heads alone. */
export function headersOf(list: FieldList): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < list.length; at += 2) (headers[list[at]!] ??= []).push(list[at + 1]!);
  return headers;
}
