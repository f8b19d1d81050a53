/** Heads as the codec reads them, from the lines of a message. */

import { RequestParser } from '@causeway/http1/request-parser';
import type { RequestHead } from '@causeway/http1/request-head';
import { ReadEvent } from '@causeway/http1/body-reader';
import type { ResponseHead } from '@causeway/http1/response-head';
import { ResponseParser } from '@causeway/http1/response-parser';

/** The head of a request whose first line is `start`; throws what the codec says against it. */
export function requestHead(start: string, lines: string): RequestHead {
  const parser = new RequestParser();
  if (parser.read(messageOf(start, lines), 0) === ReadEvent.head) return parser.head!;
  throw new Error(parser.fault?.detail);
}

/** The head of a response to a request with `method`; throws what the codec says against it. */
export function responseHead(method: string, status: number, lines: string): ResponseHead {
  const parser = new ResponseParser();
  parser.begin(method);
  const event = parser.read(messageOf(`HTTP/1.1 ${status} `, lines), 0);
  if (event === ReadEvent.head || event === ReadEvent.informational) return parser.head!;
  throw new Error(parser.fault?.detail);
}

/** The flat list of header fields that a message with these lines would have. */
export function fieldList(lines: string): string[] {
  return splitLines(lines).flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

function messageOf(start: string, lines: string): Buffer {
  return Buffer.from([start, ...splitLines(lines), '', ''].join('\r\n'), 'latin1');
}

function splitLines(lines: string): string[] {
  return lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
