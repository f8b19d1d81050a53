/** A response before its head is out: the upstream's, or one that the gateway makes. */

import { BodyLength } from '@causeway/http1/message-head';
import type { ResponseHead } from '@causeway/http1/response-head';
import type { Clock } from '@causeway/runtime/clock';

import type { FieldList, ResponseLength } from './exchange.ts';
import { type Refusal, refusalResponse } from './reasons.ts';
import { downstreamLength, finalFields, type StreamKind, streamKind } from './response-head.ts';

export interface PendingResponse {
  readonly isUpstreams: boolean;
  readonly status: number;
  readonly fields: FieldList;
  /** Of a response of the gateway's own. */
  readonly body: Buffer | undefined;
  readonly close: boolean;
  /** Of the upstream's body, which follows. */
  readonly length: ResponseLength | undefined;
  readonly hasBody: boolean;
  /** An upstream's, whose body has an end of its own: no stream, and not ended by the end of its connection. */
  readonly isWhole: boolean;
  /** To the WebSocket that was asked for: what follows is a tunnel. */
  readonly agrees: boolean;
  readonly stream: StreamKind | undefined;
}

/** Whatever the gateway answers by itself. */
export const ownResponse = {
  isUpstreams: false,
  close: false,
  length: undefined,
  hasBody: false,
  isWhole: false,
  agrees: false,
  stream: undefined,
} as const;

export function pendingRefusal(
  refusal: Refusal,
  requestId: string,
  accept: string | undefined,
): PendingResponse {
  const { status, fields, body } = refusalResponse(refusal, requestId, accept);
  return { ...ownResponse, status, fields, body: Buffer.from(body), close: refusal.close === true };
}

/** How the upstream answered. */
export interface AnswerFacts {
  readonly method: string;
  readonly clock: Clock;
  /** With Via. */
  readonly isVia: boolean;
  /** Over TLS. */
  readonly isSecure: boolean;
  /** Values of Set-Cookie besides its own. */
  readonly cookies: readonly string[] | undefined;
  /** It agrees to the WebSocket that was asked for. */
  readonly agrees: boolean;
}

export function pendingAnswer(
  head: ResponseHead,
  { method, clock, isVia, isSecure, cookies, agrees }: AnswerFacts,
): PendingResponse {
  const fields = finalFields(head, clock, isVia);
  const stream = agrees ? undefined : streamKind(head);
  for (const cookie of cookies ?? []) fields.push('set-cookie', cookie);
  return {
    isUpstreams: true,
    // HTTP/2 says it otherwise.
    status: agrees ? 101 : head.status,
    fields,
    body: undefined,
    close: false,
    length: agrees ? undefined : downstreamLength(head, method, isSecure),
    hasBody: head.bodyLength !== 0,
    isWhole: !agrees && stream === undefined && head.bodyLength !== BodyLength.untilClose,
    agrees,
    stream,
  };
}

/** By the status that it has now: the upstream may have answered with one that has no body, or none that says how long it is. */
export function answerLength(
  { status, body, length, hasBody }: PendingResponse,
  method: string,
  isChanged: boolean,
): ResponseLength | undefined {
  if (isSilent(status)) return undefined;
  const declared = body?.length ?? length;
  if (!hasBody) return method === 'HEAD' ? declared : 0;
  if (!isChanged) return declared;
  return length === 'untilClose' ? length : 'unknown';
}

/** Has no body, and no framing that would tell of one (RFC 9110 sections 15.3.5 and 15.4.5). */
export function isSilent(status: number): boolean {
  return status === 204 || status === 304;
}

/** 205 says that its body is empty (RFC 9110 section 15.3.6). */
export function forbidsBody(status: number): boolean {
  return isSilent(status) || status === 205;
}
