/**
 * The health service of gRPC, as far as one question needs it.
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md, and PROTOCOL-HTTP2.md beside it for frames.
 */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

import type { CheckAnswer, CheckQuestion } from './check-answer.ts';

/** A frame: whether the message is compressed, its length, the message. */
const frameHeadBytes = 5;
/** Of HealthCheckRequest: `service`; of HealthCheckResponse: `status`. */
const onlyField = 1;
/** By number. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const serving = 1;
/** Statuses of gRPC that servers answer with, in words; the others go by their number. */
const statusWords: Readonly<Record<string, string>> = {
  5: 'no such service',
  12: 'the health service is not implemented',
  14: 'unavailable',
};

/** `service`: empty for the server as a whole. */
export function grpcHealthQuestion(service: string, authority: string): CheckQuestion {
  const message = new BinaryWriter();
  // A field that has its default is not sent.
  if (service !== '') message.tag(onlyField, WireType.LengthDelimited).string(service);
  const bytes = message.finish();
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(bytes.byteLength, 1);
  return {
    method: 'POST',
    path: '/grpc.health.v1.Health/Check',
    authority,
    headers: [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ],
    body: Buffer.concat([head, bytes]),
  };
}

/** Undefined when it serves, else what is wrong in a few words. */
export function judgeGrpcHealth({ status, fields, body, trailers }: CheckAnswer): string | undefined {
  if (status !== 200) return `status ${status}`;
  // Of an answer without a message the status stands in the head.
  const code = String(trailers['grpc-status'] ?? fields['grpc-status'] ?? 'missing');
  if (code !== '0') {
    const word = statusWords[code];
    return word === undefined ? `grpc status ${code}` : `grpc status ${code}: ${word}`;
  }
  if (body.byteLength < frameHeadBytes || body[0] !== 0) return 'no answer of the health service';
  const message = body.subarray(frameHeadBytes, frameHeadBytes + body.readUInt32BE(1));
  const found = servingStatusOf(message);
  return found === serving ? undefined : (servingStatuses[found] ?? `serving status ${found}`);
}

function servingStatusOf(message: Buffer): number {
  const reader = new BinaryReader(message);
  let found = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === onlyField && wireType === WireType.Varint) found = reader.int32();
    else reader.skip(wireType, field);
  }
  return found;
}
