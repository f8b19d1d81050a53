/** Calls by HTTP and JSON, as calls by gRPC. */

import { TranscodingFault } from '@causeway/transcoding/fault';
import { parseTimeoutMs } from '@causeway/transcoding/grpc-timeout';
import { type BoundRequest, MethodRouter } from '@causeway/transcoding/method-router';
import type { Types } from '@causeway/transcoding/types';

import { fieldValue, listValue, removeFields } from '../fields.ts';
import {
  type Filter,
  type FilterExchange,
  type ReadBody,
  type Refusal,
  type Sooner,
  takesBody,
  type Verdict,
} from '../filter.ts';
import { grpcTypeOf } from '../grpc-web/grpc-type.ts';
import { badRequest, faultRefusal, unmatched } from './refusals.ts';
import { RequestStream, unreadable, wholeMessage, type WrittenRequest } from './request-writer.ts';
import {
  hasLastWords,
  type ResponseRules,
  responseRules,
  ResponseWriter,
  streamForm,
} from './response-writer.ts';
import type { TranscodeSettings } from './transcode-settings.ts';

/** Cross as metadata without being listed: who calls, what the request belongs to, and what the gateway says of it. */
const crossing = [
  'host',
  'authorization',
  'baggage',
  'forwarded',
  'traceparent',
  'tracestate',
  'user-agent',
  'via',
  'x-request-id',
];
const crossingPrefix = /^x-(?:forwarded|consumer)-/;

interface State {
  /** Undefined: not transcoded. */
  answer: ResponseWriter | undefined;
  /** Of a body whose documents are messages. */
  stream: RequestStream | undefined;
}

export function createTranscodeFilter(name: string, settings: TranscodeSettings): Filter<State> {
  const transcoder = new Transcoder(settings);
  return {
    kind: 'transcode',
    name,
    createState: () => ({ answer: undefined, stream: undefined }),
    onRequestHead: (exchange, state) => transcoder.request(exchange, state),
    onRequestChunk: (chunk, _, { stream }) => stream!.push(asBuffer(chunk)),
    onRequestEnd: (_, { stream }) => stream!.end(),
    onResponseHead: (exchange, { answer }) => answer?.head(exchange),
    onResponseChunk: (chunk, _, { answer }) => answer!.chunk(asBuffer(chunk)),
    onResponseEnd: (exchange, { answer }) => answer!.end(exchange),
  };
}

class Transcoder {
  readonly #settings: TranscodeSettings;
  readonly #responses: ResponseRules;
  readonly #staysBehind: (name: string) => boolean;
  readonly #routers = new WeakMap<Types, MethodRouter>();

  constructor(settings: TranscodeSettings) {
    this.#settings = settings;
    this.#responses = responseRules(settings);
    const headers = new Set([...crossing, ...settings.headers]);
    this.#staysBehind = (name) => {
      const lower = name.toLowerCase();
      return !headers.has(lower) && !crossingPrefix.test(lower);
    };
  }

  request(exchange: FilterExchange, state: State): Sooner<Verdict> {
    if (grpcTypeOf(exchange.requestHeader('content-type')) !== undefined) return undefined;
    const { descriptors, passesUnmatched } = this.#settings;
    const types = exchange.descriptors(descriptors);
    if (types === undefined) return { kind: 'refusal', reason: 'descriptors_unavailable' };
    const router = this.#routerOf(types);
    if (exchange.requestHeader('sec-websocket-version') !== undefined)
      return passesUnmatched ? undefined : noWebSocket;
    try {
      const bound = find(router, exchange);
      if (bound !== undefined) return this.#call(exchange, state, types, bound);
    } catch (error) {
      return faultRefusal('path', error);
    }
    return passesUnmatched ? undefined : unmatched(router, exchange.upstreamPath);
  }

  #routerOf(types: Types): MethodRouter {
    let router = this.#routers.get(types);
    if (router === undefined) {
      router = new MethodRouter(types, this.#settings.services);
      this.#routers.set(types, router);
    }
    return router;
  }

  #call(exchange: FilterExchange, state: State, types: Types, bound: BoundRequest): Sooner<Verdict> {
    const { timeoutHeader, messageBytesMax, ignoreUnknownFields } = this.#settings;
    const { method } = bound;
    const { upstreamFields: fields } = exchange;
    const timeout = exchange.requestHeader(timeoutHeader);
    const timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
    if (timeout !== undefined && timeoutMs === undefined)
      return badRequest('header', new TranscodingFault('must be a time such as 500m or 10S', timeoutHeader));
    const request: WrittenRequest = {
      bound,
      query: exchange.upstreamQuery ?? '',
      contentType: fieldValue(fields, 'content-type'),
    };
    const encoding = listValue(fields, 'content-encoding');
    const form = streamForm(method, listValue(fields, 'accept'));
    state.answer = new ResponseWriter(method, types, form, this.#responses);
    removeFields(fields, '', this.#staysBehind);
    fields.push('content-type', 'application/grpc+proto', 'grpc-accept-encoding', 'identity');
    if (timeout !== undefined) fields.push('grpc-timeout', timeout);
    exchange.rewriteTarget(method.path, undefined);
    exchange.callGrpc({
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(hasLastWords(form) && { lastWords: (status) => state.answer!.lastWords(status) }),
    });
    if (exchange.hasRequestBody && method.body !== undefined) {
      const refusal = unreadable(request, encoding);
      if (refusal !== undefined) return refusal;
      if (method.shape.clientStreaming) {
        state.stream = new RequestStream(request, ignoreUnknownFields, messageBytesMax);
        return takesBody;
      }
    }
    const body = exchange.readRequestBody(messageBytesMax);
    return body instanceof Promise
      ? body.then((read) => this.#sendWhole(exchange, request, read))
      : this.#sendWhole(exchange, request, body);
  }

  #sendWhole(exchange: FilterExchange, request: WrittenRequest, body: ReadBody): Verdict {
    if (body === 'tooLarge') return { kind: 'refusal', reason: 'payload_too_large' };
    if (body === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
    const { ignoreUnknownFields } = this.#settings;
    const { method } = request.bound;
    if (method.body === undefined && body.length > 0 && !ignoreUnknownFields)
      return badRequest('body', new TranscodingFault('is not taken: the method has none'));
    // A stream of messages whose body is not there has none.
    const isEmpty = method.shape.clientStreaming && method.body !== undefined;
    const message = isEmpty ? nothing : wholeMessage(request, asBuffer(body), ignoreUnknownFields);
    if (!Buffer.isBuffer(message)) return message;
    exchange.replaceRequestBody(message);
    return undefined;
  }
}

const noWebSocket: Refusal = {
  kind: 'refusal',
  reason: 'no_grpc_method',
  detail: 'No method of gRPC takes a WebSocket.',
};
const nothing = Buffer.alloc(0);

/** HEAD is for what has an end. */
function find(router: MethodRouter, exchange: FilterExchange): BoundRequest | undefined {
  const { method, upstreamPath } = exchange;
  if (method !== 'HEAD') return router.find(method, upstreamPath);
  const bound = router.find('GET', upstreamPath);
  return bound?.method.shape.serverStreaming === true ? undefined : bound;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
