/**
 * A request by gRPC: what its head asks for, how its messages are followed, and how failures are told.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

import type { RequestHead } from '@causeway/http1/request-head';

import type { FieldList } from './exchange.ts';
import { type Reason, type Refusal, reasons } from './reasons.ts';

const prefixBytes = 5;
const timeoutText = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** Of a message for who reads logs; it stands in a header field. */
const messageCharsMax = 1024;

export class GrpcCall {
  /** What the caller gives it; undefined: all the time in the world. */
  readonly timeoutMs: number | undefined;
  readonly isWellFormed: boolean;
  #sent: MessageMeter | undefined;
  #received: MessageMeter | undefined;

  constructor(timeout: string | undefined) {
    const [, amount, unit] = timeoutText.exec(timeout ?? '') ?? [];
    this.timeoutMs = amount === undefined ? undefined : Number(amount) * unitMs[unit!]!;
    this.isWellFormed = timeout === undefined || amount !== undefined;
  }

  /** No message may be longer from now on; 0 = off. */
  limit(messageBytesMax: number): void {
    if (messageBytesMax === 0) return;
    this.#sent = new MessageMeter(messageBytesMax);
    this.#received = new MessageMeter(messageBytesMax);
  }

  /** False: a message of the client is too long. */
  send(chunk: Buffer): boolean {
    return this.#sent?.pass(chunk) ?? true;
  }

  /** False: a message of the upstream is too long. */
  receive(chunk: Buffer): boolean {
    return this.#received?.pass(chunk) ?? true;
  }
}

/** Undefined: it is none. gRPC needs the trailers of HTTP/2; gRPC-Web is another protocol. */
export function grpcCallOf(head: RequestHead): GrpcCall | undefined {
  if (head.majorVersion !== 2 || head.method !== 'POST' || !isGrpc(head.valueOf('content-type')))
    return undefined;
  return new GrpcCall(head.valueOf('grpc-timeout'));
}

function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith('application/grpc')) return false;
  const next = contentType.charAt('application/grpc'.length);
  return next === '' || next === '+' || next === ';';
}

/** In place of a status and a body: callers look at nothing else. */
export function grpcStatusFields({ reason, detail, fields = [] }: Refusal, requestId: string): FieldList {
  return [
    'content-type',
    'application/grpc',
    'x-request-id',
    requestId,
    ...grpcTrailers(reason, detail),
    ...fields,
  ];
}

/** Behind messages that have been sent. */
export function grpcTrailers(reason: Reason, detail?: string): FieldList {
  const { grpc, detail: usual } = reasons[reason];
  return ['grpc-status', String(grpc), 'grpc-message', encodeMessage(`${reason}: ${detail ?? usual}`)];
}

/** Percent-encoded outside of printable ASCII ("Percent-Encoded" there). */
function encodeMessage(text: string): string {
  return text
    .slice(0, messageCharsMax)
    .toWellFormed()
    .replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part));
}

/** Follows the lengths that messages have before them, and keeps none. */
export class MessageMeter {
  readonly #bytesMax: number;
  /** Of the prefix that has begun. */
  #prefixed = 0;
  #length = 0;
  /** Bytes of the message that are still to come. */
  #rest = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False: a message begins in it that is too long. */
  pass(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const passed = Math.min(this.#rest, chunk.length - at);
        this.#rest -= passed;
        at += passed;
        continue;
      }
      // The first byte of a prefix holds flags.
      this.#length = this.#prefixed === 0 ? 0 : this.#length * 256 + chunk[at]!;
      at += 1;
      this.#prefixed += 1;
      if (this.#prefixed < prefixBytes) continue;
      if (this.#length > this.#bytesMax) return false;
      this.#rest = this.#length;
      this.#prefixed = 0;
    }
    return true;
  }
}
