/** Drives a parser over chunks as a connection would, and writes down what it says. */

import { Buffer } from 'node:buffer';

import { ReadEvent } from '../body-reader.ts';
import type { HeadLimits } from '../limits.ts';
import { RequestParser } from '../request-parser.ts';
import type { RequestHead } from '../request-head.ts';
import type { ResponseHead } from '../response-head.ts';
import { ResponseParser } from '../response-parser.ts';
import { shouldClose } from '../should-close.ts';

export interface ReadMessage {
  readonly head: RequestHead | ResponseHead;
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
}

export interface ReadResult {
  readonly messages: readonly ReadMessage[];
  /** Code of the fault, or nothing. */
  readonly fault: string | undefined;
  /** Bytes that the parser did not want. */
  readonly leftover: string;
}

export interface ReadRequests extends ReadResult {
  /** Whether what is no request would have been one for HEAD. */
  readonly isForHead: boolean;
}

/** The requests in the chunks up to one that ends the connection, and then the end of the connection. */
export function readRequests(chunks: readonly Buffer[], limits?: HeadLimits): ReadRequests {
  const parser = new RequestParser(limits);
  const messages: ReadMessage[] = [];
  let leftover = '';
  let isLast = false;
  for (const chunk of chunks) {
    let at = 0;
    while (!isLast) {
      const event = take(parser, messages, chunk, at);
      at = parser.consumedTo;
      if (event === ReadEvent.more || event === ReadEvent.fault) break;
      isLast = event === ReadEvent.end && shouldClose(parser.head!);
    }
    if (isLast) leftover += chunk.toString('latin1', at);
  }
  return { messages, fault: parser.finish()?.code, leftover, isForHead: parser.isForHead };
}

/** The response to one request, and then the end of the connection. */
export function readResponse(
  chunks: readonly Buffer[],
  method = 'GET',
  { limits, asksUpgrade = false }: { limits?: HeadLimits; asksUpgrade?: boolean } = {},
): ReadResult {
  const parser = new ResponseParser(limits);
  parser.begin(method, asksUpgrade);
  const messages: ReadMessage[] = [];
  let leftover = '';
  let isOver = false;
  for (const chunk of chunks) {
    let event: ReadEvent = ReadEvent.more;
    let at = 0;
    while (!isOver) {
      event = take(parser, messages, chunk, at);
      at = parser.consumedTo;
      if (event === ReadEvent.more) break;
      isOver = event === ReadEvent.end || event === ReadEvent.fault;
    }
    if (isOver && parser.fault === undefined) leftover += chunk.toString('latin1', at);
  }
  if (parser.finish() === ReadEvent.end) messages.at(-1)!.isComplete = true;
  return { messages, fault: parser.fault?.code, leftover };
}

function take(
  parser: RequestParser | ResponseParser,
  messages: ReadMessage[],
  chunk: Buffer,
  from: number,
): ReadEvent {
  const event = parser.read(chunk, from);
  if (event === ReadEvent.head || event === ReadEvent.informational) {
    const isComplete = event === ReadEvent.informational;
    messages.push({ head: parser.head!, body: '', trailers: [], isComplete });
  } else if (event === ReadEvent.chunk) {
    messages.at(-1)!.body += parser.chunk.toString('latin1');
  } else if (event === ReadEvent.end) {
    const message = messages.at(-1)!;
    message.trailers = parser.trailers;
    message.isComplete = true;
  }
  return event;
}

/** The text as chunks of one byte a character, cut at the positions. */
export function chunksOf(text: string, cuts: readonly number[] = []): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const bounds = [0, ...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length];
  // Copies, which are overwritten nowhere, but lie apart as the chunks of a socket do.
  return bounds.slice(1).map((end, index) => Buffer.from(bytes.subarray(bounds[index], end)));
}
