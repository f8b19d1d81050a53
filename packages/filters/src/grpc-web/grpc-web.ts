/**
 * Makes calls by gRPC of calls by gRPC-Web, whose bodies differ in two things: they may be base64 all through, and their last frame has the trailers.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */

import { fieldValue, removeField, setField } from '../fields.ts';
import {
  type Answer,
  type Filter,
  type FilterExchange,
  RefusedBody,
  type Refusal,
  takesBody,
  watchesBody,
} from '../filter.ts';
import { Base64Segments } from './base64-segments.ts';
import { grpcTypeOf, wantsText } from './grpc-type.ts';
import { MessageMeter } from './message-meter.ts';
import { trailerFrame } from './trailer-frame.ts';

/** Undefined: it is no call by gRPC-Web. */
interface State {
  call: WebCall | undefined;
}

class WebCall {
  /** Of a body that is text. */
  readonly text: Base64Segments | undefined;
  readonly messages = new MessageMeter(Infinity, compressedFlag);
  readonly answers = new MessageMeter(Infinity);
  /** Of an answer that had them in its head. */
  trailers: readonly string[] | undefined;
  readonly #isAnsweredInText: boolean;

  constructor(isText: boolean, isAnsweredInText: boolean) {
    this.text = isText ? new Base64Segments() : undefined;
    this.#isAnsweredInText = isAnsweredInText;
  }

  answerType(suffix: string): string {
    return `application/grpc-web${this.#isAnsweredInText ? '-text' : ''}${suffix || '+proto'}`;
  }

  /** Padded, so that no byte waits for those that follow. */
  encode(bytes: Uint8Array): Uint8Array {
    if (!this.#isAnsweredInText) return bytes;
    return Buffer.from(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
      'latin1',
    );
  }

  lastFrame(trailers: readonly string[]): Uint8Array {
    return this.encode(trailerFrame(trailers));
  }
}

export function createGrpcWebFilter(name: string): Filter<State> {
  return {
    kind: 'grpcWeb',
    name,
    createState: () => ({ call: undefined }),

    onRequestHead(exchange, state) {
      const type = grpcTypeOf(exchange.requestHeader('content-type'));
      if (type?.isWeb !== true) return undefined;
      if (exchange.method !== 'POST') return notPost;
      const { upstreamFields: fields } = exchange;
      setField(fields, 'content-type', `application/grpc${type.suffix}`);
      // They speak of the body as browsers see it.
      for (const field of ['accept', 'accept-encoding']) removeField(fields, field);
      exchange.callGrpc({});
      state.call = new WebCall(type.isText, wantsText(type, exchange.requestHeader('accept')));
      return type.isText ? takesBody : watchesBody;
    },

    onRequestChunk(chunk, _exchange, state) {
      const { text, messages } = state.call!;
      const bytes = text === undefined ? chunk : text.decode(chunk);
      if (bytes === undefined) throw badBody('The body is no base64.');
      if (!messages.pass(bytes)) throw badBody('The body has a frame that is no message.');
      return bytes.length === 0 ? undefined : bytes;
    },

    onRequestEnd(_exchange, state) {
      const { text, messages } = state.call!;
      if (!messages.isBetween || text?.isWhole === false) throw badBody('The body ends within a message.');
      return undefined;
    },

    onResponseHead(exchange, { call }) {
      const { responseFields: fields, responseStatus } = exchange;
      const type = grpcTypeOf(fieldValue(fields, 'content-type'));
      // A refusal of the gateway is told in the client's own way already.
      if (call === undefined || type?.isWeb === true) return undefined;
      const hasStatus = fieldValue(fields, 'grpc-status') !== undefined;
      if (!hasStatus && (type === undefined || responseStatus !== 200)) return noGrpc(exchange, call);
      exchange.responseStatus = 200;
      setField(fields, 'content-type', call.answerType(type?.suffix ?? ''));
      if (!hasStatus) return takesBody;
      call.trailers = takeTrailers(fields);
      if (exchange.responseBytes !== 0) return takesBody;
      exchange.replaceResponseBody(call.lastFrame(call.trailers));
      return undefined;
    },

    onResponseChunk(chunk, _exchange, { call }) {
      call!.answers.pass(chunk);
      return call!.encode(chunk);
    },

    onResponseEnd(exchange, { call }) {
      if (!call!.answers.isBetween) throw new RefusedBody(cutMessage);
      const trailers = call!.trailers ?? exchange.responseTrailers ?? [];
      const hasStatus = fieldValue(trailers, 'grpc-status') !== undefined;
      return call!.lastFrame(hasStatus ? trailers : [...trailers, ...noStatus]);
    },
  };
}

const compressedFlag = 1;

const notPost: Refusal = {
  kind: 'refusal',
  reason: 'method_not_allowed',
  detail: 'Calls by gRPC-Web are POST.',
  fields: ['allow', 'POST'],
};

/** A frame would be taken for the rest of the message, so the client is cut off. */
const cutMessage: Refusal = {
  kind: 'refusal',
  reason: 'upstream_protocol_error',
  detail: 'The answer ends within a message.',
};

/** UNKNOWN, as clients of gRPC take it. */
const noStatus = ['grpc-status', '2', 'grpc-message', 'The upstream sent no grpc-status.'];

function badBody(detail: string): RefusedBody {
  return new RefusedBody({ kind: 'refusal', reason: 'bad_request', detail });
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const codes: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  431: 13,
  502: 14,
  503: 14,
  504: 14,
};

/** In place of an answer that is none by gRPC, such as a page of a proxy on the way. */
function noGrpc({ responseStatus }: FilterExchange, call: WebCall): Answer {
  const message = `upstream_protocol_error: The upstream answered HTTP ${responseStatus}, and not by gRPC.`;
  const trailers = ['grpc-status', String(codes[responseStatus] ?? 2), 'grpc-message', message];
  return {
    kind: 'answer',
    status: 200,
    // In the head as well, where the access log sees them.
    fields: ['content-type', call.answerType(''), ...trailers],
    body: call.lastFrame(trailers),
  };
}

/** Of HTTP, and of the gateway's own; Set-Cookie is not for pages. */
const headFields: ReadonlySet<string> = new Set([
  'alt-svc',
  'cache-control',
  'content-type',
  'date',
  'server',
  'set-cookie',
  'vary',
  'via',
]);

/** An answer without messages has its trailers in its head: takes them out of there. */
function takeTrailers(fields: string[]): string[] {
  const trailers: string[] = [];
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    (headFields.has(fields[at]!.toLowerCase()) ? kept : trailers).push(fields[at]!, fields[at + 1]!);
  fields.splice(0, fields.length, ...kept);
  return trailers;
}
