/** What clients send by HTTP, as messages of gRPC. */

import {
  encodeBody,
  encodePath,
  encodeQuery,
  encodeRawBody,
  takesRawBody,
} from '@causeway/transcoding/encode-request';
import { pointerTo, TranscodingFault } from '@causeway/transcoding/fault';
import { prefixedMessage } from '@causeway/transcoding/grpc-messages';
import { JsonElements, jsonText } from '@causeway/transcoding/json-elements';
import type { BoundRequest } from '@causeway/transcoding/method-router';
import { WireWriter } from '@causeway/transcoding/wire-writer';

import { type Refusal, RefusedBody } from '../filter.ts';
import { isJsonType, isPlain } from '../json/exact-json.ts';
import { badRequest, faultRefusal, type Place } from './refusals.ts';

export interface WrittenRequest {
  readonly bound: BoundRequest;
  readonly query: string;
  /** Of the body; undefined: none is named. */
  readonly contentType: string | undefined;
}

const linesType = /^application\/(?:x-)?ndjson\s*(?:;|$)/i;

/** Of a worker: a message is written in one go. */
const writer = new WireWriter();

/** The one message of a request that is whole, with its prefix. */
export function wholeMessage(
  request: WrittenRequest,
  body: Buffer,
  ignoreUnknownFields: boolean,
): Buffer | Refusal {
  const { bound, contentType } = request;
  let place: Place = 'body';
  try {
    return prefixedMessage(writer, () => {
      if (takesRawBody(bound.method)) writeRaw(bound, contentType, body);
      else encodeBody(bound.method, jsonText(body), writer, { ignoreUnknownFields });
      writeParameters(request, ignoreUnknownFields, (next) => (place = next));
    });
  } catch (error) {
    return faultRefusal(place, error);
  }
}

/** A body whose documents are messages, each as soon as it is whole. */
export class RequestStream {
  readonly #request: WrittenRequest;
  readonly #ignoresUnknown: boolean;
  /** Undefined: its bytes are those of messages. */
  readonly #elements: JsonElements | undefined;
  #written = 0;

  constructor(request: WrittenRequest, ignoresUnknown: boolean, bytesMax: number) {
    this.#request = request;
    this.#ignoresUnknown = ignoresUnknown;
    const isLines = linesType.test(request.contentType ?? '');
    this.#elements = takesRawBody(request.bound.method)
      ? undefined
      : new JsonElements(isLines ? 'lines' : 'array', bytesMax);
  }

  /** The messages that end in it. Throws `RefusedBody`. */
  push(chunk: Buffer): Buffer | undefined {
    if (this.#elements === undefined) return this.#message('', chunk);
    const texts = this.#guarded(() => this.#elements!.push(chunk));
    return texts.length === 0 ? undefined : Buffer.concat(texts.map((text) => this.#message(text)));
  }

  /** The last one, if it ends with the stream. Throws `RefusedBody`. */
  end(): Buffer | undefined {
    const text = this.#guarded(() => this.#elements?.end());
    return text === undefined ? undefined : this.#message(text);
  }

  /** What stands in path and query goes with the first, as if the body had it. */
  #message(text: string, bytes?: Buffer): Buffer {
    const { bound, contentType } = this.#request;
    let place: Place = 'body';
    try {
      const message = prefixedMessage(writer, () => {
        if (bytes !== undefined) writeRaw(bound, contentType, bytes);
        else encodeBody(bound.method, text, writer, { ignoreUnknownFields: this.#ignoresUnknown });
        if (this.#written === 0)
          writeParameters(this.#request, this.#ignoresUnknown, (next) => (place = next));
      });
      this.#written += 1;
      return message;
    } catch (error) {
      throw this.#refused(error, place);
    }
  }

  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw this.#refused(error, 'body');
    }
  }

  /** Faults of the body are told with the number of the document that they stand in. */
  #refused(error: unknown, place: Place): unknown {
    if (error instanceof TranscodingFault && place === 'body')
      error.pointer = pointerTo(String(this.#written)) + error.pointer;
    return error instanceof TranscodingFault ? new RefusedBody(faultRefusal(place, error)) : error;
  }
}

function writeRaw(bound: BoundRequest, contentType: string | undefined, bytes: Buffer): void {
  encodeRawBody(bound.method, { contentType: contentType ?? '', bytes }, writer);
}

function writeParameters(
  { bound, query }: WrittenRequest,
  ignoreUnknownFields: boolean,
  enter: (place: Place) => void,
): void {
  enter('query');
  encodeQuery(bound.method, query, writer, { ignoreUnknownFields });
  enter('path');
  encodePath(bound, writer, { ignoreUnknownFields });
}

/** Why a body cannot be read as what the method takes; undefined: it can. */
export function unreadable(
  { bound, contentType }: WrittenRequest,
  contentEncoding: string | undefined,
): Refusal | undefined {
  const wrong = (name: string, detail: string): Refusal =>
    badRequest('header', new TranscodingFault(detail, name));
  if (!isPlain(contentEncoding)) return wrong('content-encoding', 'must not be there');
  if (contentType === undefined || takesRawBody(bound.method)) return undefined;
  const isTaken =
    isJsonType(contentType) || (bound.method.shape.clientStreaming && linesType.test(contentType));
  if (!isTaken) return wrong('content-type', 'must be application/json');
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? 'utf-8';
  return /^(utf-?8|us-ascii)$/i.test(charset)
    ? undefined
    : wrong('content-type', 'must not name another charset than utf-8');
}
