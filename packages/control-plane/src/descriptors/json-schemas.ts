/** JSON Schemas of messages as the JSON mapping of protobuf has them (https://protobuf.dev/programming-guides/json/). */

import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

export type JsonSchema = Record<string, unknown>;

export interface JsonNames {
  readonly preserveFieldNames: boolean;
  readonly enumsAsNumbers: boolean;
}

const text: JsonSchema = { type: 'string' };
const bytes: JsonSchema = { type: 'string', contentEncoding: 'base64' };
const int64: JsonSchema = { type: 'string', format: 'int64', pattern: '^-?[0-9]{1,19}$' };
const uint64: JsonSchema = { type: 'string', format: 'uint64', pattern: '^[0-9]{1,20}$' };
const int32: JsonSchema = { type: 'integer', format: 'int32' };
const uint32: JsonSchema = { type: 'integer', format: 'uint32', minimum: 0 };
const noNumber: JsonSchema = { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] };

function scalarSchema(scalar: ScalarType): JsonSchema {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return bytes;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return { anyOf: [{ type: 'number' }, noNumber] };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return int64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return uint64;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return uint32;
    default:
      return int32;
  }
}

/** Messages whose JSON is not an object of their fields. */
const wellKnown: Readonly<Record<string, JsonSchema>> = {
  Any: { type: 'object', required: ['@type'], properties: { '@type': text } },
  Timestamp: { type: 'string', format: 'date-time' },
  Duration: { type: 'string', pattern: String.raw`^-?[0-9]+(\.[0-9]{1,9})?s$` },
  FieldMask: { type: 'string', description: 'Names of fields, separated by commas.' },
  Struct: { type: 'object' },
  Value: {},
  ListValue: { type: 'array' },
  Empty: { type: 'object' },
  DoubleValue: scalarSchema(ScalarType.DOUBLE),
  FloatValue: scalarSchema(ScalarType.FLOAT),
  Int64Value: int64,
  UInt64Value: uint64,
  Int32Value: int32,
  UInt32Value: uint32,
  BoolValue: { type: 'boolean' },
  StringValue: text,
  BytesValue: bytes,
};
/** Of these, the ones that a parameter can say. */
const textual = /^(?:Timestamp|Duration|FieldMask|[A-Za-z0-9]+Value)$/;

/** Schemas under the full names of what they describe, each made when it is first referred to. */
export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {};
  readonly #names: JsonNames;

  constructor(names: JsonNames) {
    this.#names = names;
  }

  nameOf(field: DescField): string {
    return this.#names.preserveFieldNames ? field.name : field.jsonName;
  }

  ofMessage(message: DescMessage): JsonSchema {
    const known = wellKnownOf(message);
    if (known !== undefined) return known;
    return this.#component(message.typeName, () => ({
      type: 'object',
      properties: Object.fromEntries(
        message.fields.map((field) => [this.nameOf(field), this.ofField(field)] as const),
      ),
    }));
  }

  ofField(field: DescField): JsonSchema {
    const value = this.#valueOf(field);
    if (field.fieldKind === 'list') return { type: 'array', items: value };
    return field.fieldKind === 'map' ? { type: 'object', additionalProperties: value } : value;
  }

  #valueOf({ message, enum: values, scalar }: DescField): JsonSchema {
    if (message) return this.ofMessage(message);
    return values ? this.#ofEnum(values) : scalarSchema(scalar);
  }

  #ofEnum(type: DescEnum): JsonSchema {
    if (type.typeName === 'google.protobuf.NullValue') return { type: 'null' };
    return this.#component(type.typeName, () =>
      this.#names.enumsAsNumbers
        ? { type: 'integer', enum: [...new Set(type.values.map(({ number }) => number))] }
        : { type: 'string', enum: type.values.map(({ name }) => name) },
    );
  }

  #component(name: string, make: () => JsonSchema): JsonSchema {
    if (!Object.hasOwn(this.components, name)) {
      // Before what it has in it, which may lead back to it.
      this.components[name] = {};
      Object.assign(this.components[name], make());
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Has values that a parameter can say. */
export function isTextual(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  if (!field.message) return true;
  return (
    wellKnownOf(field.message) !== undefined &&
    textual.test(field.message.name) &&
    !/^(?:List)?Value$/.test(field.message.name)
  );
}

function wellKnownOf({ typeName, name }: DescMessage): JsonSchema | undefined {
  return typeName === `google.protobuf.${name}` && Object.hasOwn(wellKnown, name)
    ? wellKnown[name]
    : undefined;
}
