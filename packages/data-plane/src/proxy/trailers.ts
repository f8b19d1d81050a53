/** Fields that follow a body. They go from HTTP/2 to HTTP/2, and never become part of a head. */

import type { FieldList } from './exchange.ts';
import { fieldFault, withoutBlanks } from './field-fault.ts';
import { staysBehind } from './hop-by-hop.ts';
import { isIdentityHeader } from './identity-headers.ts';

/**
 * What a recipient may act on when it reads the head, and must not find later: framing, routing, who asks, what may be done with the message
 * and how its body is to be read (RFC 9110 section 6.5.1).
 */
const forHeads: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'traceparent',
  'tracestate',
  'vary',
  'via',
  'warning',
  'www-authenticate',
]);

/** What crosses of the fields that the runtime has read behind a body, names in lower case. Undefined: nothing. */
export function crossingTrailers(raw: FieldList): FieldList | undefined {
  const crossing: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    if (forHeads.has(name) || staysBehind(name, []) || isIdentityHeader(name)) continue;
    if (fieldFault(name, value) === undefined) crossing.push(name, withoutBlanks(value));
  }
  return crossing.length === 0 ? undefined : crossing;
}
