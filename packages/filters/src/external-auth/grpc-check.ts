/** Envoy's check of external authorization (envoy.service.auth.v3.Authorization/Check), as a unary call of gRPC over HTTP/2. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
  type HeaderOption,
} from '@causeway/proto/gen/causeway/extauthz/v1/ext_authz_pb';

import { byteString } from '../byte-string.ts';
import { fieldValue } from '../fields.ts';
import type { FilterExchange, ServiceAnswer } from '../filter.ts';
import { askedHeaders, targetOf } from './asked-request.ts';
import type { Check, ExternalAuthSettings, Judgement } from './external-auth.ts';

const target = '/envoy.service.auth.v3.Authorization/Check';
/** A flag for compression, and the length of the message. */
const prefixBytes = 5;
/** google.rpc.Code */
const unauthenticated = 16;

export const grpcCheck: Check = {
  question: (exchange, settings, body) => ({
    method: 'POST',
    target,
    fields: [
      'host',
      exchange.host,
      'content-type',
      'application/grpc',
      'grpc-timeout',
      `${settings.timeoutMs}m`,
      'x-request-id',
      exchange.requestId,
    ],
    timeoutMs: settings.timeoutMs,
    body: framed(requestOf(exchange, settings, body)),
    wantsTrailers: true,
  }),
  read: (answer) => {
    const response = responseOf(answer);
    return response === undefined ? undefined : judgementOf(response);
  },
};

function requestOf(
  exchange: FilterExchange,
  { headers }: ExternalAuthSettings,
  body: Uint8Array | undefined,
): Uint8Array {
  const { clientAddress, clientCertificate } = exchange;
  const length = exchange.requestHeader('content-length');
  const http = {
    id: exchange.requestId,
    method: exchange.method,
    headers: Object.fromEntries(askedHeaders(exchange, headers).flatMap(asText)),
    path: targetOf(exchange),
    host: exchange.host,
    scheme: exchange.scheme,
    size: BigInt(body?.length ?? (exchange.hasRequestBody ? (length ?? -1) : 0)),
    ...(body !== undefined && { rawBody: body }),
  };
  const principal = clientCertificate?.alternativeNames[0] ?? clientCertificate?.subject ?? '';
  const attributes = {
    source: { address: { socketAddress: { address: clientAddress } }, principal },
    request: { http },
    contextExtensions: { route: exchange.routeName },
  };
  return toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes }));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Messages hold text; a field that is none is left out. */
function asText([name, value]: [string, string]): [string, string][] {
  try {
    return [[name, utf8.decode(Buffer.from(value, 'latin1'))]];
  } catch {
    return [];
  }
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(prefixBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Undefined: the call failed, or gave something else than one message. */
function responseOf({ status, fields, trailers = [], body }: ServiceAnswer): CheckResponse | undefined {
  // A call without a message tells its status in the head.
  const outcome = fieldValue(trailers, 'grpc-status') ?? fieldValue(fields, 'grpc-status');
  if (status !== 200 || outcome !== '0' || body.length < prefixBytes) return undefined;
  const frame = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (frame[0] !== 0 || frame.readUInt32BE(1) !== body.length - prefixBytes) return undefined;
  try {
    return fromBinary(CheckResponseSchema, frame.subarray(prefixBytes));
  } catch {
    return undefined;
  }
}

function judgementOf({ status, httpResponse }: CheckResponse): Judgement {
  const code = status?.code ?? 0;
  if (code === 0) {
    const ok = httpResponse.case === 'okResponse' ? httpResponse.value : undefined;
    return { kind: 'pass', fields: flat(ok?.headers ?? []), removed: ok?.headersToRemove ?? [] };
  }
  const denied = httpResponse.case === 'deniedResponse' ? httpResponse.value : undefined;
  const own = denied?.status?.code ?? 0;
  const isStatus = own >= 200 && own <= 599;
  return {
    kind: 'deny',
    status: isStatus ? own : code === unauthenticated ? 401 : 403,
    fields: flat(denied?.headers ?? []),
    body: Buffer.from(denied?.body ?? ''),
  };
}

function flat(options: readonly HeaderOption[]): string[] {
  return options.flatMap(({ header }) => {
    if (header === undefined) return [];
    const { key, value, rawValue } = header;
    return [key, rawValue.length > 0 ? Buffer.from(rawValue).toString('latin1') : byteString(value)];
  });
}
