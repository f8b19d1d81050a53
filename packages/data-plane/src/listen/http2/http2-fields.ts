/** Fields of a response as HTTP/2 has them. */

import type { FieldList } from '../../proxy/exchange.ts';

/** Which the runtime refuses by an exception (RFC 9113 section 8.2.2). Of an upstream none crosses; a filter may have put them there. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
]);

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

/** The same as an object: the runtime takes a list for final heads alone. */
export function headersOf(list: FieldList): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < list.length; at += 2) (headers[list[at]!] ??= []).push(list[at + 1]!);
  return headers;
}

function sentName(name: string): string {
  const known = sentNames.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const sent = connectionFields.has(lower) ? '' : lower;
  if (sentNames.size < sentNamesMax) sentNames.set(name, sent);
  return sent;
}
