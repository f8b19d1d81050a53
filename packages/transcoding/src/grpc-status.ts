/** How a call by gRPC ended, for clients that speak HTTP. */

import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';

import { TranscodingFault } from './fault.ts';
import type { Types } from './types.ts';
import { type JsonOptions, JsonWriter } from './write-json.ts';

export interface CallStatus {
  readonly code: number;
  readonly message: string;
  /** A google.rpc.Status in base64 (`grpc-status-details-bin`). */
  readonly details?: string | undefined;
}

/** By code (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto). */
const httpStatuses: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

export function httpStatusOf(code: number): number {
  return httpStatuses[code] ?? 500;
}

const unknown = 2;

/** Of `grpc-status` and its neighbours; undefined where the head or the trailers have none. */
export function callStatus(field: (lowerName: string) => string | undefined): CallStatus | undefined {
  const code = field('grpc-status');
  if (code === undefined) return undefined;
  return {
    code: /^\d{1,3}$/.test(code) ? Number(code) : unknown,
    message: decodeMessageText(field('grpc-message') ?? ''),
    details: field('grpc-status-details-bin'),
  };
}

/** A google.rpc.Status as JSON. What of its details is of no known type, or damaged, stands there in base64. */
export function statusJson(
  { code, message, details }: CallStatus,
  types: Types,
  options: JsonOptions,
): string {
  const any = readDetails(details).map((detail) => anyJson(detail, types, options));
  const rest = any.length === 0 ? '' : `,"details":[${any.join(',')}]`;
  return `{"code":${code},"message":${JSON.stringify(message)}${rest}}`;
}

function anyJson({ typeUrl, value }: Any, types: Types, options: JsonOptions): string {
  const writer = new JsonWriter(options);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    writer.any(types, typeUrl, bytes);
    return writer.text;
  } catch (error) {
    if (!(error instanceof TranscodingFault)) throw error;
    return JSON.stringify({ '@type': typeUrl, value: bytes.toString('base64') });
  }
}

/** Field 3 of google.rpc.Status; none where the bytes are damaged. */
function readDetails(text: string | undefined): Any[] {
  if (text === undefined) return [];
  try {
    const reader = new BinaryReader(Buffer.from(text, 'base64'));
    const details: Any[] = [];
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (number === 3) details.push(fromBinary(AnySchema, reader.bytes()));
      else reader.skip(wireType);
    }
    return details;
  } catch {
    // What they would say besides code and message, nobody can read.
    return [];
  }
}

/** Percent-encoded bytes of UTF-8 in a byte string; whatever is encoded otherwise stays as it is. */
function decodeMessageText(text: string): string {
  const bytes = text.replaceAll(/%([\dA-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
