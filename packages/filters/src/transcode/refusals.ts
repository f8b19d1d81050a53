/** What clients are told whose requests, or whose answers, cannot be transcoded. */

import { OversizeFault, TranscodingFault } from '@causeway/transcoding/fault';
import type { BoundMethod, MethodRouter } from '@causeway/transcoding/method-router';

import type { Refusal } from '../filter.ts';

/** Names of members come from clients, and may be as long as a body. */
const pointerCharsMax = 256;

export type Place = 'body' | 'path' | 'query' | 'header';

/** Says where and what, and never what the client sent: it may be a secret. */
export function badRequest(place: Place, { message, pointer }: TranscodingFault): Refusal {
  const short = pointer.slice(0, pointerCharsMax).toWellFormed();
  const where = place === 'body' ? { pointer: short } : { name: short, pointer: '' };
  return {
    kind: 'refusal',
    reason: 'bad_request',
    detail: `The request does not fit the method: ${place}${short === '' ? '' : ` ${short}`} ${message}.`,
    members: { errors: [{ in: place, ...where, detail: message }] },
  };
}

/** Of what is no fault: it is thrown. */
export function faultRefusal(place: Place, error: unknown): Refusal {
  if (error instanceof OversizeFault) return { kind: 'refusal', reason: 'payload_too_large' };
  if (!(error instanceof TranscodingFault)) throw error;
  return badRequest(place, error);
}

export function badAnswer(detail: string): Refusal {
  return { kind: 'refusal', reason: 'upstream_protocol_error', detail };
}

/** Nothing is bound to the request: at this path to other methods, or to nothing. */
export function unmatched(router: MethodRouter, path: string): Refusal {
  const methods = router.methodsAt(path);
  if (methods.length > 0) {
    const allow = (methods.includes('GET') ? [...methods, 'HEAD'] : methods).join(', ');
    return { kind: 'refusal', reason: 'method_not_allowed', fields: ['allow', allow] };
  }
  const nearest = router.nearest(path);
  return {
    kind: 'refusal',
    reason: 'no_grpc_method',
    detail: `No method of gRPC is bound to this path.${nearest === undefined ? '' : ` The nearest one is ${bindingOf(nearest)}.`}`,
  };
}

function bindingOf({ binding }: BoundMethod): string {
  return `${binding.method} ${binding.template}`;
}
