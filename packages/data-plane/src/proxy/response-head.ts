/** The head that goes to the client, made from the upstream's. */

import { BodyLength as CodecLength } from '@causeway/http1/message-head';
import type { ResponseHead } from '@causeway/http1/response-head';
import type { Clock } from '@causeway/runtime/clock';

import type { FieldList, ResponseLength } from './exchange.ts';
import { viaOf } from './forwarding-headers.ts';
import { staysBehind } from './hop-by-hop.ts';
import { httpDate } from './http-date.ts';

/** A body whose bytes may be far apart: who asks for it and sends no more is gone. `records` come to an end of their own. */
export type StreamKind = 'events' | 'records';

const streamTypes = /^(?:(text\/event-stream)|application\/(?:x-ndjson|grpc))/i;

/** The fields that cross. */
export function downstreamFields({ names, fields, nominated }: ResponseHead): string[] {
  const crossing: string[] = [];
  for (let index = 0; index < names.length; index += 1) {
    if (!staysBehind(names[index]!, nominated)) crossing.push(fields[2 * index]!, fields[2 * index + 1]!);
  }
  return crossing;
}

/** Of a final response: with the time at which it came where it has none (RFC 9110 section 6.6.1), and Via where that is wanted. */
export function finalFields(head: ResponseHead, clock: Clock, isVia: boolean): string[] {
  const fields = downstreamFields(head);
  // Hot path: nearly every upstream says it, which spares a look at the clock.
  if (!head.names.includes('date')) fields.push('date', httpDate(clock.wallMs()));
  if (isVia) fields.push('via', viaOf(head));
  return fields;
}

/** Of a response that the gateway makes itself: with what all of them say. */
export function ownFields(fields: FieldList, requestId: string, wallMs: number): FieldList {
  const has = (name: string): boolean =>
    fields.some((field, index) => index % 2 === 0 && field.toLowerCase() === name);
  const added: string[] = [];
  if (!has('date')) added.push('date', httpDate(wallMs));
  if (!has('x-request-id')) added.push('x-request-id', requestId);
  return added.length === 0 ? fields : [...fields, ...added];
}

/**
 * What Content-Length is to say; undefined: nothing, because there is no body. With TLS (`isSecure`) the end of a connection is the end of a
 * body only when it was said under TLS (RFC 9112 section 9.8), which the runtime does not tell: the client gets what we know.
 */
export function downstreamLength(
  head: ResponseHead,
  method: string,
  isSecure: boolean,
): ResponseLength | undefined {
  const { status, contentLength, bodyLength } = head;
  if (status < 200 || status === 204) return undefined;
  // A length here tells of the body that a GET would have had.
  if (method === 'HEAD' || status === 304) return contentLength >= 0 ? contentLength : undefined;
  if (bodyLength === CodecLength.chunked) return 'unknown';
  if (bodyLength !== CodecLength.untilClose) return bodyLength;
  return isSecure ? 'untilClose' : 'unknown';
}

/** What kind of stream the body is, if it is one: nothing with a known length is. */
export function streamKind(head: ResponseHead): StreamKind | undefined {
  return head.bodyLength >= 0 ? undefined : streamKindOf(head.valueOf('content-type'));
}

/** Of a body without a length. */
export function streamKindOf(contentType = ''): StreamKind | undefined {
  const match = streamTypes.exec(contentType);
  if (match === null) return undefined;
  return match[1] === undefined ? 'records' : 'events';
}
