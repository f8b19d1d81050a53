/** The head that goes to the client, made from the upstream's. */

import { BodyLength as CodecLength } from '@causeway/http1/message-head';
import type { ResponseHead } from '@causeway/http1/response-head';

import type { BodyLength } from './exchange.ts';
import { staysBehind } from './hop-by-hop.ts';

const streamTypes = /^(text\/event-stream|application\/x-ndjson|application\/grpc)/i;

/** The fields that cross. */
export function downstreamFields({ names, fields, nominated }: ResponseHead): string[] {
  const crossing: string[] = [];
  for (let index = 0; index < names.length; index += 1) {
    if (!staysBehind(names[index]!, nominated)) crossing.push(fields[2 * index]!, fields[2 * index + 1]!);
  }
  return crossing;
}

/** What Content-Length is to say; undefined: nothing, because there is no body. */
export function downstreamLength(head: ResponseHead, method: string): BodyLength | undefined {
  const { status, contentLength, bodyLength } = head;
  if (status < 200 || status === 204) return undefined;
  // A length here tells of the body that a GET would have had.
  if (method === 'HEAD' || status === 304) return contentLength >= 0 ? contentLength : undefined;
  return bodyLength === CodecLength.chunked || bodyLength === CodecLength.untilClose ? 'unknown' : bodyLength;
}

/** Whether bytes may be far apart without anything being wrong. */
export function isStream(head: ResponseHead): boolean {
  const type = head.valueOf('content-type');
  return type !== undefined && streamTypes.test(type);
}
