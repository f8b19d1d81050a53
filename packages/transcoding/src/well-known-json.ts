/** Messages whose JSON has a form of its own (https://protobuf.dev/programming-guides/json/), to bytes. */

import type { JsonEncoder } from './encode-json.ts';
import { located, TranscodingFault } from './fault.ts';
import { type Json, type JsonObject, objectOf, toText, wanted } from './scalars.ts';
import type { MessageType, WellKnown } from './types.ts';
import { parseDuration, parseFieldMask, parseTimestamp, type Seconds } from './well-known-texts.ts';

export function encodeWellKnown(
  encoder: JsonEncoder,
  type: MessageType,
  known: WellKnown,
  value: Json,
): void {
  const { writer } = encoder;
  switch (known) {
    case 'Wrapper':
      encoder.single(type.fields[0]!, value, true);
      return;
    case 'Timestamp':
      encodeSeconds(encoder, parseTimestamp(toText(value)));
      return;
    case 'Duration':
      encodeSeconds(encoder, parseDuration(toText(value)));
      return;
    case 'FieldMask':
      for (const path of parseFieldMask(toText(value))) {
        encoder.tag(1, 2);
        writer.string(path);
      }
      return;
    case 'Any':
      encodeAny(encoder, type, objectOf(value));
      return;
    case 'Struct':
      encodeStruct(encoder, objectOf(value));
      return;
    case 'ListValue':
      if (!Array.isArray(value)) throw wanted('a list', value);
      encodeList(encoder, value);
      return;
    case 'Value':
      encodeValue(encoder, value);
  }
}

/** google.protobuf.Timestamp and Duration have the same fields. */
function encodeSeconds({ writer }: JsonEncoder, { seconds, nanos }: Seconds): void {
  const varint = (number: number, value: number): void => {
    if (value === 0) return;
    writer.byte(number << 3);
    writer.varint64(value | 0, Math.floor(value / 2 ** 32) | 0);
  };
  varint(1, seconds);
  varint(2, nanos);
}

function encodeAny(encoder: JsonEncoder, { types }: MessageType, value: JsonObject): void {
  const { '@type': url } = value;
  if (url === undefined && Object.keys(value).length === 0) return;
  if (typeof url !== 'string') throw new TranscodingFault('must have a string @type');
  const name = url.slice(url.lastIndexOf('/') + 1);
  const type = url.includes('/') ? types.messageNamed(name) : undefined;
  if (type === undefined) throw located(new TranscodingFault('is no type of the descriptors'), '@type');
  const { writer } = encoder;
  encoder.tag(1, 2);
  writer.string(url);
  encoder.tag(2, 2);
  const start = writer.begin();
  if (type.wellKnown === undefined) encoder.object(type, value, '@type');
  else encoder.message(type, onlyValueOf(value));
  writer.end(start);
}

function onlyValueOf(object: JsonObject): Json {
  for (const name of Object.keys(object))
    if (name !== '@type' && name !== 'value')
      throw located(new TranscodingFault('stands beside the value'), name);
  if (object['value'] === undefined) throw new TranscodingFault('must have a value');
  return object['value'];
}

function encodeStruct(encoder: JsonEncoder, object: JsonObject): void {
  const { writer } = encoder;
  for (const [name, value] of Object.entries(object))
    try {
      encoder.tag(1, 2);
      const start = writer.begin();
      encoder.tag(1, 2);
      writer.string(toText(name));
      encoder.tag(2, 2);
      nested(encoder, value);
      writer.end(start);
    } catch (error) {
      throw located(error, name);
    }
}

function encodeList(encoder: JsonEncoder, items: readonly Json[]): void {
  for (const [index, item] of items.entries())
    try {
      encoder.tag(1, 2);
      nested(encoder, item);
    } catch (error) {
      throw located(error, String(index));
    }
}

function nested(encoder: JsonEncoder, value: Json): void {
  const start = encoder.writer.begin();
  encoder.deeper(() => encodeValue(encoder, value));
  encoder.writer.end(start);
}

/** google.protobuf.Value: a oneof of null (1), number (2), string (3), bool (4), struct (5), list (6). */
function encodeValue(encoder: JsonEncoder, value: Json): void {
  const { writer } = encoder;
  switch (typeof value) {
    case 'number':
    case 'bigint': {
      const number = Number(value);
      if (!Number.isFinite(number)) throw new TranscodingFault('is more than a double holds');
      encoder.tag(2, 1);
      writer.double(number);
      return;
    }
    case 'string':
      encoder.tag(3, 2);
      writer.string(toText(value));
      return;
    case 'boolean':
      encoder.tag(4, 0);
      writer.byte(value ? 1 : 0);
      return;
    default: {
      if (value === null) {
        encoder.tag(1, 0);
        writer.byte(0);
        return;
      }
      const isList = Array.isArray(value);
      encoder.tag(isList ? 6 : 5, 2);
      const start = writer.begin();
      if (isList) encodeList(encoder, value);
      else encodeStruct(encoder, value as JsonObject);
      writer.end(start);
    }
  }
}
