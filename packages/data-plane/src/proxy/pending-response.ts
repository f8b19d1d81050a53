/** A response before its head is out: the upstream's, or one that the gateway makes. */

import type { ResponseHead } from '@causeway/http1/response-head';

import type { BodyLength, FieldList } from './exchange.ts';
import { type Refusal, refusalResponse } from './reasons.ts';
import { downstreamLength, finalFields, isStream } from './response-head.ts';

export interface PendingResponse {
  readonly isUpstreams: boolean;
  readonly status: number;
  readonly fields: FieldList;
  /** Of a response of the gateway's own. */
  readonly body: Buffer | undefined;
  readonly close: boolean;
  /** Of the upstream's body, which follows. */
  readonly length: BodyLength | undefined;
  readonly hasBody: boolean;
  readonly isStream: boolean;
}

/** Whatever the gateway answers by itself. */
export const ownResponse = {
  isUpstreams: false,
  close: false,
  length: undefined,
  hasBody: false,
  isStream: false,
} as const;

export function pendingRefusal(
  refusal: Refusal,
  requestId: string,
  accept: string | undefined,
): PendingResponse {
  const { status, fields, body } = refusalResponse(refusal, requestId, accept);
  return { ...ownResponse, status, fields, body: Buffer.from(body), close: refusal.close === true };
}

/** Of the upstream that answered at `wallMs`; `isVia`: with Via. */
export function pendingAnswer(
  head: ResponseHead,
  method: string,
  wallMs: number,
  isVia: boolean,
): PendingResponse {
  return {
    isUpstreams: true,
    status: head.status,
    fields: finalFields(head, wallMs, isVia),
    body: undefined,
    close: false,
    length: downstreamLength(head, method),
    hasBody: head.bodyLength !== 0,
    isStream: isStream(head),
  };
}
