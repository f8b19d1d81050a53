/** The head that goes to the client, made from the upstream's. */

import type { BodyLength, HeaderList } from './exchange.ts';
import { responseBodyLength } from './framing.ts';
import { headerValues } from './header-list.ts';
import { readNominated, staysBehind } from './hop-by-hop.ts';

export interface ResponseHead {
  readonly headers: HeaderList;
  /** Undefined: no Content-Length is sent, and no body follows. */
  readonly length: BodyLength | undefined;
  readonly hasBody: boolean;
  /** Bytes may be far apart without anything being wrong. */
  readonly isStream: boolean;
}

const streamTypes = /^(text\/event-stream|application\/x-ndjson|application\/grpc)/i;

/** Undefined when the upstream's framing is malformed. The rules for bodies are those of RFC 9112 section 6.3. */
export function responseHead(method: string, status: number, headers: HeaderList): ResponseHead | undefined {
  const length = responseBodyLength(headers);
  if (length === undefined) return undefined;
  const crossing = crossingHeaders(headers);
  const [type = ''] = headerValues(headers, 'content-type');
  const isStream = streamTypes.test(type);
  if (status < 200 || status === 204)
    return { headers: crossing, length: undefined, hasBody: false, isStream };
  if (method === 'HEAD' || status === 304) {
    // A length here tells of the body that a GET would have had.
    const told = length === 'unknown' ? undefined : length;
    return { headers: crossing, length: told, hasBody: false, isStream };
  }
  return { headers: crossing, length, hasBody: true, isStream };
}

function crossingHeaders(headers: HeaderList): HeaderList {
  const nominated = readNominated(headers);
  const crossing: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    if (!staysBehind(name.toLowerCase(), nominated)) crossing.push(name, headers[at + 1]!);
  }
  return crossing;
}
