/** The messages and enums of a DescriptorSet, made ready when they are first used: a large set costs nothing for what nobody sends. */

import { create, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import {
  type CompiledDescriptors,
  type FieldShape,
  FieldShapeSchema,
  type MessageShape,
  MessageShapeSchema,
  type ServiceShape,
} from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';

export { Type };

export interface EnumType {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  /** The first name of each. */
  readonly names: ReadonlyMap<number, string>;
  readonly isClosed: boolean;
  /** What a field without presence has that is not there. */
  readonly first: number;
}

export class FieldType {
  /** Place in its message. */
  readonly index: number;
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  /** As JSON has them, with the colon. */
  readonly label: string;
  readonly jsonLabel: string;
  /** Of its values, or of the items of a list. */
  readonly type: Type;
  readonly isList: boolean;
  readonly isPacked: boolean;
  /** Present: the field is a map of such. */
  readonly entry: MapEntry | undefined;
  /** A field that is not there differs from one that is 0 or empty. */
  readonly hasPresence: boolean;
  readonly checksUtf8: boolean;
  /** Which oneof of its message, from 1; 0 = none. */
  readonly oneof: number;
  /** Places of the others in it. */
  readonly rivals: readonly number[];
  readonly #of: number;
  readonly #types: Types;

  constructor(shape: FieldShape, types: Types, index: number, rivals: readonly number[]) {
    this.index = index;
    this.number = shape.number;
    this.name = shape.name;
    this.jsonName = shape.jsonName;
    this.label = `${JSON.stringify(shape.name)}:`;
    this.jsonLabel = `${JSON.stringify(shape.jsonName)}:`;
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the numbers are those of protobuf
    this.type = shape.type;
    this.isList = shape.repeated && shape.mapKey === 0;
    this.isPacked = shape.packed;
    this.entry = shape.mapKey === 0 ? undefined : mapEntry(shape, types);
    this.hasPresence = shape.hasPresence;
    this.checksUtf8 = shape.checksUtf8;
    this.oneof = shape.oneof;
    this.rivals = rivals;
    this.#of = shape.of;
    this.#types = types;
  }

  /** Of a message or group. */
  get message(): MessageType {
    return this.#types.messageAt(this.#of);
  }

  /** Of an enum. */
  get enum(): EnumType {
    return this.#types.enumAt(this.#of);
  }
}

export interface MapEntry {
  readonly key: FieldType;
  readonly value: FieldType;
}

/** An entry is a message: field 1 is its key, field 2 its value. */
function mapEntry(shape: FieldShape, types: Types): MapEntry {
  const { name, jsonName, checksUtf8, type, of } = shape;
  const both = { name, jsonName, checksUtf8, hasPresence: true };
  const key = create(FieldShapeSchema, { ...both, number: 1, type: shape.mapKey });
  const value = create(FieldShapeSchema, { ...both, number: 2, type, of });
  return { key: new FieldType(key, types, 0, []), value: new FieldType(value, types, 1, []) };
}

/** Messages whose JSON is not an object of their fields (https://protobuf.dev/programming-guides/json/). */
const wellKnown = ['Any', 'Timestamp', 'Duration', 'FieldMask', 'Struct', 'Value', 'ListValue'] as const;
const wrapper = /^(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;
export type WellKnown = (typeof wellKnown)[number] | 'Wrapper';

export class MessageType {
  readonly name: string;
  readonly wellKnown: WellKnown | undefined;
  readonly #shape: MessageShape;
  readonly #types: Types;
  #fields: readonly FieldType[] | undefined;
  #byName: ReadonlyMap<string, FieldType> | undefined;
  #byNumber: ReadonlyMap<number, FieldType> | undefined;

  constructor(shape: MessageShape, types: Types) {
    this.name = shape.name;
    this.#shape = shape;
    this.#types = types;
    this.wellKnown = wellKnownOf(shape.name);
  }

  get fields(): readonly FieldType[] {
    return (this.#fields ??= this.#shape.fields.map((shape, index) => this.#fieldOf(shape, index)));
  }

  /** By the name of its JSON and by the one of its proto file. */
  get byName(): ReadonlyMap<string, FieldType> {
    return (this.#byName ??= new Map([
      ...this.fields.map((field) => [field.name, field] as const),
      ...this.fields.map((field) => [field.jsonName, field] as const),
    ]));
  }

  get byNumber(): ReadonlyMap<number, FieldType> {
    return (this.#byNumber ??= new Map(this.fields.map((field) => [field.number, field])));
  }

  /** Of these types: what is in an `Any` is looked for there. */
  get types(): Types {
    return this.#types;
  }

  #fieldOf(shape: FieldShape, index: number): FieldType {
    const rivals = this.#shape.fields.flatMap(({ oneof }, other) =>
      oneof > 0 && oneof === shape.oneof && other !== index ? [other] : [],
    );
    return new FieldType(shape, this.#types, index, rivals);
  }
}

export class Types {
  readonly services: readonly ServiceShape[];
  readonly #compiled: CompiledDescriptors;
  readonly #messages: (MessageType | undefined)[] = [];
  readonly #enums: (EnumType | undefined)[] = [];
  #places: ReadonlyMap<string, number> | undefined;

  constructor(compiled: CompiledDescriptors) {
    this.#compiled = compiled;
    this.services = compiled.services;
  }

  messageAt(place: number): MessageType {
    return (this.#messages[place] ??= new MessageType(
      fromBinary(MessageShapeSchema, this.#compiled.messages[place]!),
      this,
    ));
  }

  /** By its full name. */
  messageNamed(name: string): MessageType | undefined {
    this.#places ??= new Map(this.#compiled.messages.map((bytes, place) => [nameOf(bytes), place]));
    const place = this.#places.get(name);
    return place === undefined ? undefined : this.messageAt(place);
  }

  enumAt(place: number): EnumType {
    return (this.#enums[place] ??= this.#readEnum(place));
  }

  #readEnum(place: number): EnumType {
    const { name, values, isClosed } = this.#compiled.enums[place]!;
    return {
      name,
      isClosed,
      numbers: new Map(values.map((value) => [value.name, value.number])),
      names: new Map(values.map((value) => [value.number, value.name] as const).toReversed()),
      first: values[0]?.number ?? 0,
    };
  }
}

/** The name is the first field of a MessageShape, as protobuf writes it. */
function nameOf(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  reader.tag();
  return reader.string();
}

function wellKnownOf(name: string): WellKnown | undefined {
  const short = name.startsWith('google.protobuf.') ? name.slice('google.protobuf.'.length) : '';
  return wrapper.test(short) ? 'Wrapper' : wellKnown.find((known) => known === short);
}
