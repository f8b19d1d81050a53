/** The message that a method answers, as HTTP has it. */

import { decodeMessage, type Slots, zeroOf } from './decode-message.ts';
import { httpBody, type RawBody } from './http-body.ts';
import type { BoundMethod } from './method-router.ts';
import { type FieldType, Type } from './types.ts';
import { type JsonOptions, JsonWriter } from './write-json.ts';

/** Throws a `TranscodingFault` where the bytes are no such message. */
export function responseJson(
  { output, responseBody }: BoundMethod,
  bytes: Buffer,
  options: JsonOptions,
): string {
  const writer = new JsonWriter(options);
  const slots = decodeMessage(output, bytes);
  if (responseBody === undefined) writer.message(output, slots);
  else {
    const value = slots[responseBody.index] ?? absent(responseBody);
    if (value === undefined) return 'null';
    writer.field(responseBody, value);
  }
  return writer.text;
}

function absent(field: FieldType): unknown {
  if (field.entry !== undefined) return new Map();
  if (field.isList) return [];
  return field.hasPresence ? undefined : zeroOf(field);
}

/** Whether the answer is bytes of a type of their own, and no JSON. */
export function givesRawBody({ output, responseBody }: BoundMethod): boolean {
  if (responseBody === undefined) return output.name === httpBody;
  return responseBody.type === Type.MESSAGE && !responseBody.isList && responseBody.message.name === httpBody;
}

/** Throws a `TranscodingFault` where the bytes are no such message. */
export function rawResponse({ output, responseBody }: BoundMethod, bytes: Buffer): RawBody {
  const slots = decodeMessage(output, bytes);
  const type = responseBody?.message ?? output;
  const body = (responseBody === undefined ? slots : (slots[responseBody.index] as Slots | undefined)) ?? [];
  return {
    contentType: (body[type.byNumber.get(1)?.index ?? -1] ?? '') as string,
    bytes: (body[type.byNumber.get(2)?.index ?? -1] ?? Buffer.alloc(0)) as Buffer,
  };
}
