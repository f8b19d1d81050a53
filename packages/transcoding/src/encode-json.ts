/** JSON of a message to its bytes (https://protobuf.dev/programming-guides/json/), in one pass. */

import { located, pointerTo, TranscodingFault } from './fault.ts';
import {
  exactly,
  InexactNumber,
  type Json,
  type JsonObject,
  objectOf,
  toBoolean,
  toBytes,
  toDouble,
  toEnum,
  toFloat,
  toInteger,
  toInteger64,
  toText,
  wanted,
} from './scalars.ts';
import { type FieldType, type MapEntry, type MessageType, Type } from './types.ts';
import { encodeWellKnown } from './well-known-json.ts';
import type { WireWriter } from './wire-writer.ts';

export interface EncodeOptions {
  /** Fields and names of enums that nobody knows are passed over. */
  readonly ignoreUnknownFields: boolean;
}

/** As in other implementations of protobuf. */
export const depthMax = 100;

const int32 = [-2_147_483_648, 2_147_483_647] as const;
const uint32Max = 4_294_967_295;
const int64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const uint64Max = 2n ** 64n - 1n;
const twoTo32 = 4_294_967_296;

const [varint, fixed64, delimited, startGroup, endGroup, fixed32] = [0, 1, 2, 3, 4, 5] as const;

/** What is written of `text`, a JSON document. Throws a `TranscodingFault`. */
export function encodeJsonText(
  text: string,
  writer: WireWriter,
  options: EncodeOptions,
  write: (encoder: JsonEncoder, value: Json) => void,
): void {
  const start = writer.length;
  const value = parse(text);
  try {
    write(new JsonEncoder(writer, options), value);
  } catch (error) {
    if (!(error instanceof InexactNumber)) throw error;
    writer.rewind(start);
    write(new JsonEncoder(writer, options), parse(text, exactly));
  }
}

function parse(
  text: string,
  reviver?: (key: string, value: Json, context: { source?: string }) => Json,
): Json {
  try {
    return JSON.parse(text, reviver as never) as Json;
  } catch {
    throw new TranscodingFault('is no JSON');
  }
}

export class JsonEncoder {
  readonly writer: WireWriter;
  readonly #options: EncodeOptions;
  #depth = 0;

  constructor(writer: WireWriter, options: EncodeOptions) {
    this.writer = writer;
    this.#options = options;
  }

  /** The fields of a message, without a length before them. */
  message(type: MessageType, value: Json): void {
    if (type.wellKnown === undefined) this.object(type, objectOf(value));
    else this.deeper(() => encodeWellKnown(this, type, type.wellKnown!, value));
  }

  /** `except`: a name that is none of a field. */
  object(type: MessageType, object: JsonObject, except?: string): void {
    this.#enter();
    this.#fields(type, object, except);
    this.#depth -= 1;
  }

  deeper(write: () => void): void {
    this.#enter();
    write();
    this.#depth -= 1;
  }

  #enter(): void {
    if (this.#depth >= depthMax) throw new TranscodingFault(`is nested deeper than ${depthMax}`);
    this.#depth += 1;
  }

  #fields(type: MessageType, object: JsonObject, except: string | undefined): void {
    let oneofs: Set<number> | undefined;
    for (const name of Object.keys(object)) {
      const field = type.byName.get(name);
      if (field === undefined) {
        if (this.#options.ignoreUnknownFields || name === except) continue;
        throw new TranscodingFault(`is no field of ${type.name}`, pointerTo(name));
      }
      const value = object[name]!;
      if (name !== field.jsonName && Object.hasOwn(object, field.jsonName))
        throw new TranscodingFault(`is ${field.jsonName} a second time`, pointerTo(name));
      if (value === null && (field.isList || field.entry !== undefined || !takesNull(field))) continue;
      if (field.oneof > 0) {
        oneofs ??= new Set();
        if (oneofs.has(field.oneof))
          throw new TranscodingFault('is the second field of its oneof', pointerTo(name));
        oneofs.add(field.oneof);
      }
      try {
        this.field(field, value);
      } catch (error) {
        throw located(error, name);
      }
    }
  }

  /** With its tag: all of a list or map. */
  field(field: FieldType, value: Json): void {
    if (field.entry !== undefined) this.#map(field, field.entry, objectOf(value));
    else if (field.isList) this.#list(field, value);
    else this.single(field, value, !field.hasPresence);
  }

  /** One value; `skipsZero`: what is not there means the same. */
  single(field: FieldType, value: Json, skipsZero: boolean): void {
    const { writer } = this;
    if (field.type === Type.GROUP) {
      this.tag(field.number, startGroup);
      this.message(field.message, value);
      this.tag(field.number, endGroup);
    } else if (field.type === Type.MESSAGE) {
      this.tag(field.number, delimited);
      const start = writer.begin();
      this.message(field.message, value);
      writer.end(start);
    } else this.#scalar(field, value, field.number, skipsZero);
  }

  #list(field: FieldType, value: Json): void {
    if (!Array.isArray(value)) throw wanted('a list', value);
    if (value.length === 0) return;
    if (field.isPacked) this.tag(field.number, delimited);
    const start = field.isPacked ? this.writer.begin() : 0;
    for (const [index, item] of (value as readonly Json[]).entries())
      try {
        if (item === null && !takesNull(field)) throw new TranscodingFault('must not be null');
        if (field.isPacked) this.#scalar(field, item, 0, false);
        else this.single(field, item, false);
      } catch (error) {
        throw located(error, String(index));
      }
    if (field.isPacked) this.writer.end(start);
  }

  #map(field: FieldType, { key, value }: MapEntry, entries: JsonObject): void {
    const { writer } = this;
    for (const [name, item] of Object.entries(entries))
      try {
        if (item === null && !takesNull(value)) throw new TranscodingFault('must not be null');
        if (this.#isPassedOver(value, item)) continue;
        this.tag(field.number, delimited);
        const start = writer.begin();
        this.#scalar(key, key.type === Type.BOOL ? boolOf(name) : name, key.number, false);
        this.single(value, item, false);
        writer.end(start);
      } catch (error) {
        throw located(error, name);
      }
  }

  /** The name of an enum that is not known. */
  #isPassedOver(field: FieldType, value: Json): boolean {
    const isUnknown = field.type === Type.ENUM && typeof value === 'string' && !field.enum.numbers.has(value);
    if (isUnknown && !this.#options.ignoreUnknownFields)
      throw new TranscodingFault(`is no value of ${field.enum.name}`);
    return isUnknown;
  }

  /** `number` 0: without a tag, in a packed list. */
  #scalar(field: FieldType, value: Json, number: number, skipsZero: boolean): void {
    const { writer } = this;
    switch (field.type) {
      case Type.INT32:
      case Type.SFIXED32:
      case Type.SINT32: {
        const integer = toInteger(value, ...int32);
        if (skipsZero && integer === 0) return;
        if (field.type === Type.SFIXED32) {
          this.tag(number, fixed32);
          writer.fixed32(integer);
        } else {
          this.tag(number, varint);
          if (field.type === Type.SINT32) writer.uint32((integer << 1) ^ (integer >> 31));
          else writer.varint64(integer, integer < 0 ? -1 : 0);
        }
        return;
      }
      case Type.UINT32:
      case Type.FIXED32: {
        const integer = toInteger(value, 0, uint32Max);
        if (skipsZero && integer === 0) return;
        this.tag(number, field.type === Type.FIXED32 ? fixed32 : varint);
        if (field.type === Type.FIXED32) writer.fixed32(integer);
        else writer.uint32(integer);
        return;
      }
      case Type.INT64:
      case Type.SINT64:
      case Type.SFIXED64:
        this.#integer64(field.type, toInteger64(value, ...int64), number, skipsZero);
        return;
      case Type.UINT64:
      case Type.FIXED64:
        this.#integer64(field.type, toInteger64(value, 0n, uint64Max), number, skipsZero);
        return;
      case Type.DOUBLE:
      case Type.FLOAT: {
        const isDouble = field.type === Type.DOUBLE;
        const real = isDouble ? toDouble(value) : toFloat(value);
        if (skipsZero && Object.is(real, 0)) return;
        this.tag(number, isDouble ? fixed64 : fixed32);
        if (isDouble) writer.double(real);
        else writer.float(real);
        return;
      }
      case Type.BOOL: {
        const truth = toBoolean(value);
        if (skipsZero && !truth) return;
        this.tag(number, varint);
        writer.byte(truth ? 1 : 0);
        return;
      }
      case Type.STRING: {
        const text = toText(value);
        if (skipsZero && text === '') return;
        this.tag(number, delimited);
        writer.string(text);
        return;
      }
      case Type.BYTES: {
        const bytes = toBytes(value);
        if (skipsZero && bytes.length === 0) return;
        this.tag(number, delimited);
        writer.bytes(bytes);
        return;
      }
      case Type.ENUM: {
        if (this.#isPassedOver(field, value)) return;
        const integer = value === null ? 0 : toEnum(value, field.enum);
        if (skipsZero && integer === 0) return;
        this.tag(number, varint);
        writer.varint64(integer, integer < 0 ? -1 : 0);
        return;
      }
      case Type.MESSAGE:
      case Type.GROUP:
        throw new Error('is no scalar');
    }
  }

  #integer64(type: Type, value: number | bigint, number: number, skipsZero: boolean): void {
    const { writer } = this;
    if (skipsZero && (value === 0 || value === 0n)) return;
    const low = typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
    const high =
      typeof value === 'bigint' ? Number(BigInt.asIntN(32, value >> 32n)) : Math.floor(value / twoTo32) | 0;
    if (type === Type.FIXED64 || type === Type.SFIXED64) {
      this.tag(number, fixed64);
      writer.fixed32(low);
      writer.fixed32(high);
      return;
    }
    this.tag(number, varint);
    if (type !== Type.SINT64) {
      writer.varint64(low, high);
      return;
    }
    const sign = high >> 31;
    writer.varint64((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  }

  tag(number: number, wireType: number): void {
    if (number > 0) this.writer.uint32((number << 3) | wireType);
  }
}

/** For whose single values null is one. */
function takesNull(field: FieldType): boolean {
  if (field.type === Type.ENUM) return field.enum.name === 'google.protobuf.NullValue';
  return field.type === Type.MESSAGE && field.message.wellKnown === 'Value';
}

function boolOf(name: string): Json {
  return name === 'true' ? true : name === 'false' ? false : name;
}
