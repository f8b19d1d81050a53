/** Bytes of a message to the values of its fields. */

import { type FieldType, type MapEntry, type MessageType, Type } from './types.ts';
import { damaged, WireReader, wireTypes } from './wire-reader.ts';

/** By place of the field; undefined = not there. A message is such a list itself, a map a Map, and numbers of 64 bits may be bigint. */
export type Slots = unknown[];

const depthMax = 100;

/** As each type is written outside of packed lists. */
const wireTypeOf: Readonly<Record<Type, number>> = {
  [Type.DOUBLE]: wireTypes.fixed64,
  [Type.FLOAT]: wireTypes.fixed32,
  [Type.INT64]: wireTypes.varint,
  [Type.UINT64]: wireTypes.varint,
  [Type.INT32]: wireTypes.varint,
  [Type.FIXED64]: wireTypes.fixed64,
  [Type.FIXED32]: wireTypes.fixed32,
  [Type.BOOL]: wireTypes.varint,
  [Type.STRING]: wireTypes.delimited,
  [Type.GROUP]: wireTypes.startGroup,
  [Type.MESSAGE]: wireTypes.delimited,
  [Type.BYTES]: wireTypes.delimited,
  [Type.UINT32]: wireTypes.varint,
  [Type.ENUM]: wireTypes.varint,
  [Type.SFIXED32]: wireTypes.fixed32,
  [Type.SFIXED64]: wireTypes.fixed64,
  [Type.SINT32]: wireTypes.varint,
  [Type.SINT64]: wireTypes.varint,
};

export function decodeMessage(type: MessageType, bytes: Buffer): Slots {
  const slots: Slots = [];
  readFields(new WireReader(bytes), type, slots, bytes.length, 0, 0);
  return slots;
}

/** Up to `end`, or to the end of the group of that number. What is there already is merged with. */
function readFields(
  reader: WireReader,
  type: MessageType,
  slots: Slots,
  end: number,
  group: number,
  depth: number,
): void {
  if (depth >= depthMax) throw damaged();
  const { byNumber } = type;
  while (reader.at < end) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    if (number === 0) throw damaged();
    if ((tag & 7) === wireTypes.endGroup) {
      if (number !== group) throw damaged();
      return;
    }
    const field = byNumber.get(number);
    if (field === undefined) reader.skip(tag, end);
    else readField(reader, field, tag, slots, end, depth);
  }
  if (group !== 0) throw damaged();
}

function readField(
  reader: WireReader,
  field: FieldType,
  tag: number,
  slots: Slots,
  end: number,
  depth: number,
): void {
  const { index, entry } = field;
  const wireType = tag & 7;
  if (entry !== undefined) {
    if (wireType !== wireTypes.delimited) {
      reader.skip(tag, end);
      return;
    }
    readEntry(reader, entry, (slots[index] ??= new Map()) as Map<unknown, unknown>, end, depth);
    return;
  }
  const ownWireType = wireTypeOf[field.type];
  if (field.isList) {
    const list = (slots[index] ??= []) as unknown[];
    if (wireType === ownWireType) list.push(readValue(reader, field, undefined, end, depth));
    else if (wireType === wireTypes.delimited && ownWireType !== wireTypes.startGroup) {
      const stop = reader.delimitedEnd(end);
      while (reader.at < stop) list.push(readValue(reader, field, undefined, stop, depth));
      if (reader.at > stop) throw damaged();
    } else reader.skip(tag, end);
    return;
  }
  if (wireType !== ownWireType) {
    reader.skip(tag, end);
    return;
  }
  for (const rival of field.rivals) slots[rival] = undefined;
  slots[index] = readValue(reader, field, slots[index] as Slots | undefined, end, depth);
}

function readEntry(
  reader: WireReader,
  { key, value }: MapEntry,
  map: Map<unknown, unknown>,
  end: number,
  depth: number,
): void {
  const stop = reader.delimitedEnd(end);
  const pair: Slots = [];
  while (reader.at < stop) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    if (number === 1) readField(reader, key, tag, pair, stop, depth);
    else if (number === 2) readField(reader, value, tag, pair, stop, depth);
    else reader.skip(tag, stop);
  }
  map.set(pair[0] ?? zeroOf(key), pair[1] ?? zeroOf(value));
}

function readValue(
  reader: WireReader,
  field: FieldType,
  before: Slots | undefined,
  end: number,
  depth: number,
): unknown {
  switch (field.type) {
    case Type.STRING:
      return reader.string(end, field.checksUtf8);
    case Type.MESSAGE: {
      const slots = before ?? [];
      const stop = reader.delimitedEnd(end);
      readFields(reader, field.message, slots, stop, 0, depth + 1);
      if (reader.at !== stop) throw damaged();
      return slots;
    }
    case Type.GROUP: {
      const slots = before ?? [];
      readFields(reader, field.message, slots, end, field.number, depth + 1);
      return slots;
    }
    case Type.INT32:
    case Type.ENUM:
      return reader.uint32() | 0;
    case Type.UINT32:
      return reader.uint32();
    case Type.SINT32: {
      const number = reader.uint32();
      return (number >>> 1) ^ -(number & 1);
    }
    case Type.INT64:
      return reader.int64();
    case Type.UINT64:
      return reader.uint64();
    case Type.SINT64:
      return reader.sint64();
    case Type.BOOL:
      return reader.bool();
    case Type.BYTES:
      return reader.bytes(end);
    case Type.DOUBLE:
      return reader.double();
    case Type.FLOAT:
      return reader.float();
    case Type.FIXED32:
      return reader.fixed32();
    case Type.SFIXED32:
      return reader.sfixed32();
    case Type.FIXED64:
      return reader.fixed64();
    case Type.SFIXED64:
      return reader.sfixed64();
  }
}

/** What a field without presence has that is not there. */
export function zeroOf(field: FieldType): unknown {
  switch (field.type) {
    case Type.STRING:
      return '';
    case Type.BYTES:
      return Buffer.alloc(0);
    case Type.BOOL:
      return false;
    case Type.MESSAGE:
    case Type.GROUP:
      return [];
    case Type.ENUM:
      return field.enum.first;
    default:
      return 0;
  }
}
