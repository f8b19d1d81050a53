/** Messages as JSON (https://protobuf.dev/programming-guides/json/). */

import { decodeMessage, type Slots, zeroOf } from './decode-message.ts';
import { TranscodingFault } from './fault.ts';
import { type FieldType, type MessageType, Type, type Types } from './types.ts';
import { formatDuration, formatFieldMask, formatTimestamp } from './well-known-texts.ts';

export interface JsonOptions {
  /** Names as in the proto file. */
  readonly preserveFieldNames: boolean;
  /** Fields that are not there are written, where that is the same as 0 or empty. */
  readonly emitDefaults: boolean;
  readonly enumsAsNumbers: boolean;
  /** Characters; defaults of many empty messages would be many times their bytes. */
  readonly charsMax: number;
}

/** Throws a `TranscodingFault` where the bytes are no such message. */
export function messageToJson(type: MessageType, bytes: Buffer, options: JsonOptions): string {
  const writer = new JsonWriter(options);
  writer.message(type, decodeMessage(type, bytes));
  return writer.text;
}

export class JsonWriter {
  text = '';
  readonly #options: JsonOptions;
  #depth = 0;

  constructor(options: JsonOptions) {
    this.#options = options;
  }

  message(type: MessageType, slots: Slots): void {
    if (this.text.length > this.#options.charsMax)
      throw new TranscodingFault(`is more than ${this.#options.charsMax} characters of JSON`);
    if (type.wellKnown === undefined) {
      this.text += '{';
      this.#fields(type, slots, false);
      this.text += '}';
    } else this.#wellKnown(type, slots);
  }

  #fields(type: MessageType, slots: Slots, follows: boolean): void {
    const { preserveFieldNames } = this.#options;
    let isFirst = !follows;
    for (const field of type.fields) {
      const value = slots[field.index] ?? this.#default(field);
      if (value === undefined || this.#isLeftOut(field, value)) continue;
      if (isFirst) isFirst = false;
      else this.text += ',';
      this.text += preserveFieldNames ? field.label : field.jsonLabel;
      this.field(field, value);
    }
  }

  /** All of a list or map, as the decoder gave it. */
  field(field: FieldType, value: unknown): void {
    if (field.entry !== undefined) this.#map(field.entry.value, value as ReadonlyMap<unknown, unknown>);
    else if (field.isList) this.#list(field, value as readonly unknown[]);
    else this.#value(field, value);
  }

  /** What stands for a field that is not there; undefined: nothing. */
  #default(field: FieldType): unknown {
    if (!this.#options.emitDefaults || field.hasPresence) return undefined;
    if (field.entry !== undefined) return new Map();
    return field.isList ? [] : zeroOf(field);
  }

  #isLeftOut(field: FieldType, value: unknown): boolean {
    if (field.hasPresence || this.#options.emitDefaults || field.isList || field.entry !== undefined)
      return false;
    return (
      Object.is(value, 0) || value === '' || value === false || (Buffer.isBuffer(value) && value.length === 0)
    );
  }

  #list(field: FieldType, items: readonly unknown[]): void {
    this.text += '[';
    for (let index = 0; index < items.length; index += 1) {
      if (index > 0) this.text += ',';
      this.#value(field, items[index]);
    }
    this.text += ']';
  }

  #map(value: FieldType, entries: ReadonlyMap<unknown, unknown>): void {
    this.text += '{';
    let isFirst = true;
    for (const [key, item] of entries) {
      if (isFirst) isFirst = false;
      else this.text += ',';
      this.text += `${JSON.stringify(String(key))}:`;
      this.#value(value, item);
    }
    this.text += '}';
  }

  #value(field: FieldType, value: unknown): void {
    switch (field.type) {
      case Type.STRING:
        this.text += JSON.stringify(value);
        return;
      case Type.MESSAGE:
      case Type.GROUP:
        this.message(field.message, value as Slots);
        return;
      case Type.ENUM:
        this.text += this.#enum(field, value as number);
        return;
      case Type.INT64:
      case Type.UINT64:
      case Type.SINT64:
      case Type.FIXED64:
      case Type.SFIXED64:
        this.text += `"${value as number | bigint}"`;
        return;
      case Type.BYTES:
        this.text += `"${(value as Buffer).toString('base64')}"`;
        return;
      case Type.DOUBLE:
        this.text += numberText(value as number);
        return;
      case Type.FLOAT:
        this.text += floatText(value as number);
        return;
      default:
        this.text += String(value);
    }
  }

  #enum({ enum: type }: FieldType, value: number): string {
    if (type.name === 'google.protobuf.NullValue') return 'null';
    const name = this.#options.enumsAsNumbers ? undefined : type.names.get(value);
    return name === undefined ? String(value) : `"${name}"`;
  }

  #wellKnown(type: MessageType, slots: Slots): void {
    const known = type.wellKnown!;
    switch (known) {
      case 'Wrapper': {
        const field = type.fields[0]!;
        this.#value(field, slots[0] ?? zeroOf(field));
        return;
      }
      case 'Timestamp':
      case 'Duration': {
        const parts = { seconds: Number(slots[0] ?? 0), nanos: Number(slots[1] ?? 0) };
        this.#quoted(type, known === 'Timestamp' ? formatTimestamp(parts) : formatDuration(parts));
        return;
      }
      case 'FieldMask':
        this.#quoted(type, formatFieldMask((slots[0] ?? []) as string[]));
        return;
      case 'Any':
        this.any(type.types, (slots[0] ?? '') as string, (slots[1] ?? Buffer.alloc(0)) as Buffer);
        return;
      case 'Struct':
        this.#map(type.fields[0]!.entry!.value, (slots[0] ?? new Map()) as ReadonlyMap<unknown, unknown>);
        return;
      case 'ListValue':
        this.#list(type.fields[0]!, (slots[0] ?? []) as unknown[]);
        return;
      case 'Value':
        this.#dynamic(type, slots);
    }
  }

  #quoted({ name }: MessageType, text: string | undefined): void {
    if (text === undefined) throw new TranscodingFault(`holds a ${name} that JSON cannot say`);
    this.text += `"${text}"`;
  }

  /** What is of no type of the descriptors is given as base64: nothing is lost, and its name tells what it is. */
  any(types: Types, url: string, bytes: Buffer): void {
    if (url === '' && bytes.length === 0) {
      this.text += '{}';
      return;
    }
    this.text += `{"@type":${JSON.stringify(url)}`;
    const type = types.messageNamed(url.slice(url.lastIndexOf('/') + 1));
    if (this.#depth >= 100) throw new TranscodingFault('is nested too deep');
    this.#depth += 1;
    if (type === undefined) this.text += `,"value":"${bytes.toString('base64')}"`;
    else if (type.wellKnown === undefined) this.#fields(type, decodeMessage(type, bytes), true);
    else {
      this.text += ',"value":';
      this.message(type, decodeMessage(type, bytes));
    }
    this.#depth -= 1;
    this.text += '}';
  }

  #dynamic(type: MessageType, slots: Slots): void {
    const field = type.fields.find(({ index }) => slots[index] !== undefined);
    const value = field && slots[field.index];
    if (field === undefined || (typeof value === 'number' && !Number.isFinite(value)))
      throw new TranscodingFault(`holds a ${type.name} that JSON cannot say`);
    this.#value(field, value);
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0.0' : String(value);
  return `"${value}"`;
}

/** The shortest text that is the same float again. */
function floatText(value: number): string {
  for (let digits = 6; digits < 9 && Number.isFinite(value); digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), value)) return numberText(short);
  }
  return numberText(value);
}
