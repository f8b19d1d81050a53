/**
 * The one file of client-visible errors: the closed vocabulary, and the response that each becomes. A reason is the same word in
 * the body, in the access log and in the metrics.
 */

import type { FieldList, MessageFault, WholeResponse } from './exchange.ts';

interface ReasonEntry {
  readonly status: number;
  /** What callers by gRPC are told in place of it (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
  readonly grpc: number;
  readonly title: string;
  /** What the client reads when nobody knows more. */
  readonly detail: string;
}

/** Removing or renaming an entry breaks clients and dashboards; adding one does not. */
export const reasons = {
  bad_request: { status: 400, grpc: 3, title: 'Bad Request', detail: 'The request cannot be understood.' },
  unauthenticated: {
    status: 401,
    grpc: 16,
    title: 'Unauthorized',
    detail: 'Credentials are needed, and those that were sent are not good here.',
  },
  forbidden: { status: 403, grpc: 7, title: 'Forbidden', detail: 'This is not allowed here.' },
  no_route: { status: 404, grpc: 12, title: 'Not Found', detail: 'No route takes this request.' },
  no_grpc_method: {
    status: 404,
    grpc: 12,
    title: 'Not Found',
    detail: 'No method of gRPC is bound to this path.',
  },
  method_not_allowed: {
    status: 405,
    grpc: 12,
    title: 'Method Not Allowed',
    detail: 'The resource does not take this method.',
  },
  request_timeout: {
    status: 408,
    grpc: 4,
    title: 'Request Timeout',
    detail: 'The request did not arrive in time.',
  },
  gone: { status: 410, grpc: 5, title: 'Gone', detail: 'What was asked for is not served any more.' },
  payload_too_large: {
    status: 413,
    grpc: 8,
    title: 'Content Too Large',
    detail: 'The body is larger than allowed here.',
  },
  expectation_failed: {
    status: 417,
    grpc: 9,
    title: 'Expectation Failed',
    detail: 'The only expectation that is met here is 100-continue.',
  },
  misdirected_request: {
    status: 421,
    grpc: 14,
    title: 'Misdirected Request',
    detail: 'This connection was made for another host; open one for this host.',
  },
  uri_too_long: { status: 414, grpc: 3, title: 'URI Too Long', detail: 'The request target is too long.' },
  head_too_large: {
    status: 431,
    grpc: 8,
    title: 'Request Header Fields Too Large',
    detail: 'The header fields are too large or too many.',
  },
  upgrade_refused: {
    status: 426,
    grpc: 12,
    title: 'Upgrade Required',
    detail: 'The protocol that was asked for is not spoken here.',
  },
  rate_limited: {
    status: 429,
    grpc: 8,
    title: 'Too Many Requests',
    detail: 'More requests came than are allowed here for now.',
  },
  quota_exceeded: {
    status: 429,
    grpc: 8,
    title: 'Too Many Requests',
    detail: 'The quota of this consumer is used up.',
  },
  client_closed: {
    status: 499,
    grpc: 1,
    title: 'Client Closed Request',
    detail: 'The client went away before it was answered.',
  },
  internal: { status: 500, grpc: 13, title: 'Internal Server Error', detail: 'The gateway failed.' },
  not_implemented: {
    status: 501,
    grpc: 12,
    title: 'Not Implemented',
    detail: 'The gateway does not support what the request asks for.',
  },
  upstream_connect_failed: {
    status: 502,
    grpc: 14,
    title: 'Bad Gateway',
    detail: 'No connection to the upstream could be made.',
  },
  upstream_reset: {
    status: 502,
    grpc: 14,
    title: 'Bad Gateway',
    detail: 'The upstream closed the connection before it answered.',
  },
  upstream_protocol_error: {
    status: 502,
    grpc: 13,
    title: 'Bad Gateway',
    detail: 'The upstream answered with what is no valid HTTP.',
  },
  no_healthy_endpoint: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'No endpoint of the service can take this request.',
  },
  auth_unavailable: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'Credentials cannot be checked at the moment.',
  },
  descriptors_unavailable: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'The gateway does not know the messages of this service yet.',
  },
  limits_unavailable: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'Limits cannot be checked at the moment.',
  },
  circuit_open: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'The service is given time to recover.',
  },
  overloaded: {
    status: 503,
    grpc: 14,
    title: 'Service Unavailable',
    detail: 'Too many requests are under way.',
  },
  draining: { status: 503, grpc: 14, title: 'Service Unavailable', detail: 'This listener is closing.' },
  upstream_timeout: {
    status: 504,
    grpc: 4,
    title: 'Gateway Timeout',
    detail: 'The upstream did not answer in time.',
  },
  version_not_supported: {
    status: 505,
    grpc: 12,
    title: 'HTTP Version Not Supported',
    detail: 'Only HTTP/1.1 and HTTP/1.0 are spoken here.',
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof reasons;

/** A request refused: what the client is told. `detail` is a whole sentence and holds nothing secret. */
export interface Refusal {
  readonly reason: Reason;
  readonly detail?: string;
  /** Methods for Allow, with `method_not_allowed`. */
  readonly allow?: readonly string[];
  /** For Retry-After; absent: what the reason says, if anything. */
  readonly retryAfterSeconds?: number;
  /** Header fields that belong to it. */
  readonly fields?: FieldList;
  /** Members of the document besides the usual ones; `type` takes the place of the reason's own. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** What follows on the connection cannot be trusted to be a request. */
  readonly close?: boolean;
}

/** Seconds after which an overloaded node may be asked again: long enough to matter, short enough to recover quickly. */
const overloadedSeconds = 1;

/** The response to a refused request: `application/problem+json` (RFC 9457), or a line of text where Accept prefers that. */
export function refusalResponse(
  refusal: Refusal,
  requestId: string,
  accept: string | undefined,
): WholeResponse {
  const { status, title, detail } = reasons[refusal.reason];
  const asText = prefersText(accept);
  const body = asText
    ? `${status} ${refusal.reason} ${requestId}\n`
    : JSON.stringify({
        type: `urn:causeway:reason:${refusal.reason}`,
        title,
        status,
        reason: refusal.reason,
        detail: refusal.detail ?? detail,
        requestId,
        ...refusal.members,
      });
  const contentType = asText ? 'text/plain; charset=utf-8' : 'application/problem+json';
  const fields = ['content-type', contentType, 'x-request-id', requestId];
  if (refusal.allow !== undefined) fields.push('allow', refusal.allow.join(', '));
  if (refusal.fields !== undefined) fields.push(...refusal.fields);
  const retryAfter =
    refusal.retryAfterSeconds ?? (refusal.reason === 'overloaded' ? overloadedSeconds : undefined);
  if (retryAfter !== undefined) fields.push('retry-after', String(retryAfter));
  return { status, fields, body };
}

/** What a client is told about a message that could not be read. */
export function faultRefusal(fault: MessageFault, detail?: string): Refusal {
  const reason = faults[fault];
  return detail === undefined ? { reason } : { reason, detail };
}

const faults: Readonly<Record<MessageFault, Reason>> = {
  malformed: 'bad_request',
  incomplete: 'bad_request',
  head_too_large: 'head_too_large',
  uri_too_long: 'uri_too_long',
  version_not_supported: 'version_not_supported',
  not_implemented: 'not_implemented',
  too_slow: 'request_timeout',
};

/** Whether Accept (RFC 9110 section 12.5.1) gives text/plain more weight than every JSON it names. */
function prefersText(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  let text = 0;
  let json = 0;
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = weightOf(parameters);
    if (range === 'text/plain') text = Math.max(text, weight);
    else if (/^(application\/((problem\+)?json|\*)|\*\/\*)$/.test(range)) json = Math.max(json, weight);
  }
  return text > json || (text === json && text > 0 && !accept.includes('json'));
}

function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}
