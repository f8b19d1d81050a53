/**
 * A request by gRPC: what its head asks for, how its messages are followed, and how failures are told.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

import type { GrpcTranslation } from '@causeway/filters/filter';
import { type GrpcType, grpcTypeOf, wantsText } from '@causeway/filters/grpc-web/grpc-type';
import { MessageMeter } from '@causeway/filters/grpc-web/message-meter';
import { trailerFrame } from '@causeway/filters/grpc-web/trailer-frame';
import type { RequestHead } from '@causeway/http1/request-head';
import { parseTimeoutMs } from '@causeway/transcoding/grpc-timeout';

import type { FieldList } from './exchange.ts';
import { joinedField } from './head-fields.ts';
import { ownResponse, type PendingResponse } from './pending-response.ts';
import { type Reason, type Refusal, reasons } from './reasons.ts';

/** Of a message for who reads logs; it stands in a header field. */
const messageCharsMax = 1024;

/**
 * How the client speaks: gRPC itself; gRPC-Web, whose trailers are a part of the body, and which may be text all through
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md); or by what a filter makes a call of.
 */
export type GrpcForm = 'native' | 'web' | 'webText' | 'translated';

/** How it is told that a call has failed whose messages have begun to go out. */
export type GrpcEnding = { readonly trailers: FieldList } | { readonly bytes: Buffer };

export class GrpcCall {
  readonly form: GrpcForm;
  /** What the caller gives it; undefined: all the time in the world. */
  timeoutMs: number | undefined;
  readonly isWellFormed: boolean;
  /** By a filter; undefined: what goes upstream is what the client sent. */
  #translation: GrpcTranslation | undefined;
  #sent: MessageMeter | undefined;
  #received: MessageMeter | undefined;

  constructor(form: GrpcForm, timeout: string | undefined) {
    this.form = form;
    this.timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
    this.isWellFormed = timeout === undefined || this.timeoutMs !== undefined;
  }

  get isTranslated(): boolean {
    return this.#translation !== undefined;
  }

  translate(translation: GrpcTranslation): void {
    this.#translation = translation;
    this.timeoutMs = translation.timeoutMs ?? this.timeoutMs;
  }

  /** No message that goes upstream or comes from there may be longer from now on; 0 = off. */
  limit(messageBytesMax: number): void {
    // Where messages end is asked of all but native calls, even where they may be of any length.
    if (this.form === 'native' ? messageBytesMax === 0 : !this.isTranslated) return;
    const bytesMax = messageBytesMax === 0 ? Infinity : messageBytesMax;
    this.#sent = new MessageMeter(bytesMax);
    this.#received = new MessageMeter(bytesMax);
  }

  /** False: a message to the upstream is too long. */
  send(chunk: Buffer): boolean {
    return this.#sent?.pass(chunk) ?? true;
  }

  /** False: a message of the upstream is too long. */
  receive(chunk: Buffer): boolean {
    return this.#received?.pass(chunk) ?? true;
  }

  /** Undefined: like any request that is refused. Nobody who speaks gRPC looks at a status or at a body besides its own. */
  describeRefusal(refusal: Refusal, requestId: string): PendingResponse | undefined {
    if (this.form === 'translated') return undefined;
    const { reason, detail, fields = [], close = false } = refusal;
    const trailers = grpcTrailers(reason, detail);
    const isNative = this.form === 'native';
    return {
      ...ownResponse,
      status: 200,
      fields: [
        'content-type',
        contentTypes[this.form],
        'x-request-id',
        requestId,
        ...(isNative ? trailers : []),
        ...fields,
      ],
      body: isNative ? undefined : this.#trailerBytes(trailers),
      close,
    };
  }

  /** Undefined: there is no way but to cut the client off. */
  endingOf(reason: Reason, detail?: string): GrpcEnding | undefined {
    if (this.form === 'translated') {
      const bytes = this.#translation?.lastWords?.({
        code: reasons[reason].grpc,
        message: messageOf(reason, detail),
      });
      return bytes && { bytes: Buffer.from(bytes) };
    }
    const trailers = grpcTrailers(reason, detail);
    if (this.form === 'native') return { trailers };
    // Within a message they would be taken for a part of it.
    return this.#received?.isBetween === true ? { bytes: this.#trailerBytes(trailers) } : undefined;
  }

  #trailerBytes(trailers: FieldList): Buffer {
    const frame = trailerFrame(trailers);
    return this.form === 'webText' ? Buffer.from(frame.toString('base64'), 'latin1') : frame;
  }
}

const contentTypes = {
  native: 'application/grpc',
  web: 'application/grpc-web+proto',
  webText: 'application/grpc-web-text+proto',
} as const;

/** Of gRPC itself. */
export function isGrpcType(type: string): boolean {
  return grpcTypeOf(type)?.isWeb === false;
}

/** Undefined: it is none. gRPC itself needs the trailers of HTTP/2. */
export function grpcCallOf(head: RequestHead): GrpcCall | undefined {
  if (head.method !== 'POST') return undefined;
  const type = grpcTypeOf(head.valueOf('content-type'));
  if (type === undefined || (!type.isWeb && head.majorVersion !== 2)) return undefined;
  return new GrpcCall(formOf(type, head), head.valueOf('grpc-timeout'));
}

function formOf(type: GrpcType, head: RequestHead): GrpcForm {
  if (!type.isWeb) return 'native';
  return wantsText(type, joinedField(head, 'accept')) ? 'webText' : 'web';
}

/** Behind messages that have been sent. */
export function grpcTrailers(reason: Reason, detail?: string): FieldList {
  return [
    'grpc-status',
    String(reasons[reason].grpc),
    'grpc-message',
    encodeMessage(messageOf(reason, detail)),
  ];
}

function messageOf(reason: Reason, detail?: string): string {
  return `${reason}: ${detail ?? reasons[reason].detail}`;
}

/** Percent-encoded outside of printable ASCII ("Percent-Encoded" there). */
function encodeMessage(text: string): string {
  return text
    .slice(0, messageCharsMax)
    .toWellFormed()
    .replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part));
}
