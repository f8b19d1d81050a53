/** Fields of a response as HTTP/2 has them. */

import type { FieldList } from '../../proxy/exchange.ts';
import { http1ConnectionFields } from '../../socket/http2-headers.ts';

/** Names of upstreams as they write them, in lower case; the empty string for what does not cross. */
const sentNames = new Map<string, string>();
/** More than these an upstream makes up. */
const sentNamesMax = 512;

/** With the status first. `length` is what Content-Length says, undefined for nothing. */
export function http2Fields(status: number, fields: FieldList, length: number | undefined): string[] {
  const sent = [':status', String(status)];
  for (let at = 0; at < fields.length; at += 2) {
    const name = sentName(fields[at]!);
    if (name !== '') sent.push(name, fields[at + 1]!);
  }
  if (length !== undefined) sent.push('content-length', String(length));
  return sent;
}

function sentName(name: string): string {
  const known = sentNames.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // The runtime refuses these by an exception. Of an upstream none crosses; a filter may have put them there.
  const sent = http1ConnectionFields.has(lower) || lower === 'te' ? '' : lower;
  if (sentNames.size < sentNamesMax) sentNames.set(name, sent);
  return sent;
}
