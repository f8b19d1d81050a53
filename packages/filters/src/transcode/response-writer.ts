/** What upstreams answer by gRPC, as clients of HTTP get it. */

import { TranscodingFault } from '@causeway/transcoding/fault';
import { callStatus, type CallStatus, httpStatusOf, statusJson } from '@causeway/transcoding/grpc-status';
import { MessageSplitter, prefixBytes } from '@causeway/transcoding/grpc-messages';
import type { BoundMethod } from '@causeway/transcoding/method-router';
import type { Types } from '@causeway/transcoding/types';
import type { JsonOptions } from '@causeway/transcoding/write-json';
import { givesRawBody, rawResponse, responseJson } from '@causeway/transcoding/write-response';

import { addVary, fieldValue, removeFields } from '../fields.ts';
import {
  type FilterExchange,
  type ReadBody,
  RefusedBody,
  type Sooner,
  takesBody,
  type Verdict,
} from '../filter.ts';
import { grpcTypeOf } from '../grpc-web/grpc-type.ts';
import { badAnswer } from './refusals.ts';
import type { TranscodeSettings } from './transcode-settings.ts';

/** How messages stand in a body: one alone, as JSON or as bytes of its own; or one behind the other. */
export type StreamForm = 'one' | 'lines' | 'events' | 'bytes';

export interface ResponseRules {
  readonly json: JsonOptions;
  readonly messageBytesMax: number;
  /** Metadata that does not cross; of trailers nothing crosses besides what is listed. */
  readonly staysBehind: (name: string) => boolean;
  readonly listed: ReadonlySet<string>;
}

/** Written by the gateway itself, set-cookie for sessions of balancing. */
const crossing = ['date', 'via', 'set-cookie'];
/** JSON of a message is longer than its bytes, and not without measure. */
const charsPerByteMax = 8;

export function responseRules(settings: TranscodeSettings): ResponseRules {
  const { preserveFieldNames, emitDefaults, enumsAsNumbers, messageBytesMax } = settings;
  const listed = new Set(settings.responseHeaders);
  const kept = new Set([...crossing, ...listed]);
  return {
    json: {
      preserveFieldNames,
      emitDefaults,
      enumsAsNumbers,
      charsMax: Math.max(messageBytesMax * charsPerByteMax, 65_536),
    },
    messageBytesMax,
    staysBehind: (name) => !kept.has(name.toLowerCase()),
    listed,
  };
}

export function streamForm(method: BoundMethod, accept: string | undefined): StreamForm {
  if (!method.shape.serverStreaming) return 'one';
  if (givesRawBody(method)) return 'bytes';
  return weightOf(accept, 'text/event-stream') > weightOf(accept, 'application/x-ndjson')
    ? 'events'
    : 'lines';
}

/** Of a type that is named (RFC 9110 section 12.5.1); 0 where it is not. */
function weightOf(accept: string | undefined, type: string): number {
  for (const entry of accept?.split(',', 64) ?? []) {
    const [name, ...parameters] = entry.split(';', 8).map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (name === type) return weight === undefined ? 1 : Number(weight) || 0;
  }
  return 0;
}

export function hasLastWords(form: StreamForm): boolean {
  return form === 'lines' || form === 'events';
}

const contentTypes = {
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
  bytes: 'application/octet-stream',
} as const;

export class ResponseWriter {
  readonly #method: BoundMethod;
  readonly #types: Types;
  readonly #form: StreamForm;
  readonly #rules: ResponseRules;
  readonly #splitter: MessageSplitter;
  /** Of an answer that is no more than a head. */
  #headStatus: CallStatus | undefined = undefined;

  constructor(method: BoundMethod, types: Types, form: StreamForm, rules: ResponseRules) {
    this.#method = method;
    this.#types = types;
    this.#form = form;
    this.#rules = rules;
    this.#splitter = new MessageSplitter(rules.messageBytesMax);
  }

  head(exchange: FilterExchange): Sooner<Verdict> {
    const { responseFields: fields } = exchange;
    const contentType = fieldValue(fields, 'content-type') ?? '';
    // The gateway's own words are documents, and never streams.
    if (!exchange.isWholeOfUpstream) return streamType.test(contentType) ? noGrpc : undefined;
    this.#headStatus = callStatus((name) => fieldValue(fields, name));
    if (
      exchange.responseStatus !== 200 ||
      (this.#headStatus === undefined && grpcTypeOf(contentType)?.isWeb !== false)
    )
      return noGrpc;
    removeFields(fields, '', this.#rules.staysBehind);
    if (this.#form === 'one' || (this.#headStatus?.code ?? 0) !== 0) {
      const body = exchange.readResponseBody(this.#rules.messageBytesMax + prefixBytes);
      return body instanceof Promise
        ? body.then((read) => this.#answer(exchange, read))
        : this.#answer(exchange, body);
    }
    fields.push('content-type', contentTypes[this.#form]);
    if (this.#form !== 'bytes') addVary(fields, 'accept');
    return takesBody;
  }

  /** An answer that is whole. */
  #answer(exchange: FilterExchange, read: ReadBody): Verdict {
    if (read === 'tooLarge') return badAnswer('The message of the upstream is longer than it may be.');
    if (read === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
    const { responseFields: fields, responseTrailers: trailers = [] } = exchange;
    const status = this.#headStatus ?? callStatus((name) => fieldValue(trailers, name));
    if (status === undefined) return badAnswer('The upstream did not say how the call has ended.');
    for (let at = 0; at < trailers.length; at += 2)
      if (this.#rules.listed.has(trailers[at]!.toLowerCase())) fields.push(trailers[at]!, trailers[at + 1]!);
    try {
      const { contentType, bytes } = status.code === 0 ? this.#success(read) : this.#failure(status);
      fields.push('content-type', contentType);
      const httpStatus = httpStatusOf(status.code);
      // What comes of the upstream's body is not for a client that wants the head alone.
      if (exchange.method === 'HEAD') return { kind: 'answer', status: httpStatus, fields, body: bytes };
      exchange.responseStatus = httpStatus;
      exchange.replaceResponseBody(bytes);
      return undefined;
    } catch (error) {
      return badMessage(error);
    }
  }

  #success(body: Uint8Array): { readonly contentType: string; readonly bytes: Buffer } {
    const messages = this.#splitter.push(asBuffer(body));
    const [message] = messages;
    if (message === undefined || messages.length > 1 || !this.#splitter.isAtEnd)
      throw new TranscodingFault('is not one message');
    if (!givesRawBody(this.#method)) return jsonBody(responseJson(this.#method, message, this.#rules.json));
    const { contentType, bytes } = rawResponse(this.#method, message);
    return { contentType: fieldText.test(contentType) ? contentType : contentTypes.bytes, bytes };
  }

  #failure(status: CallStatus): { readonly contentType: string; readonly bytes: Buffer } {
    return jsonBody(statusJson(status, this.#types, this.#rules.json));
  }

  /** The messages that end in it. Throws `RefusedBody`. */
  chunk(chunk: Buffer): Uint8Array | undefined {
    try {
      const messages = this.#splitter.push(chunk);
      if (messages.length === 0) return undefined;
      if (this.#form === 'bytes')
        return Buffer.concat(messages.map((message) => rawResponse(this.#method, message).bytes));
      let text = '';
      for (const message of messages)
        text += this.#framed(responseJson(this.#method, message, this.#rules.json));
      return Buffer.from(text);
    } catch (error) {
      throw new RefusedBody(badMessage(error));
    }
  }

  /** Tells of a call that has failed since its head. Throws `RefusedBody` where nothing can be told. */
  end(exchange: FilterExchange): Uint8Array | undefined {
    const trailers = exchange.responseTrailers ?? [];
    const status = this.#headStatus ?? callStatus((name) => fieldValue(trailers, name));
    if (status === undefined || (status.code === 0 && !this.#splitter.isAtEnd))
      throw new RefusedBody(badAnswer('The upstream did not say how the call has ended.'));
    if (status.code === 0) return undefined;
    if (this.#form === 'bytes') throw new RefusedBody(badAnswer('The call has failed.'));
    return this.lastWords(status);
  }

  lastWords(status: CallStatus): Buffer {
    const json = `{"error":${statusJson(status, this.#types, this.#rules.json)}}`;
    return Buffer.from(this.#form === 'events' ? `event: error\n${this.#framed(json)}` : this.#framed(json));
  }

  #framed(json: string): string {
    return this.#form === 'events' ? `data: ${json}\n\n` : `${json}\n`;
  }
}

const streamType = /^(?:text\/event-stream|application\/x-ndjson)/i;
const fieldText = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;
const noGrpc = badAnswer('The upstream has answered by HTTP and not by gRPC.');

function jsonBody(json: string) {
  return { contentType: 'application/json', bytes: Buffer.from(json) };
}

function badMessage(error: unknown) {
  if (!(error instanceof TranscodingFault)) throw error;
  return badAnswer(`The answer of the upstream cannot be written as JSON: it ${error.message}.`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
