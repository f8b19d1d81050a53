/** Descriptors as protobuf has them, to what nodes need of them. */

import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  getOption,
  hasOption,
  toBinary,
} from '@bufbuild/protobuf';
import {
  FeatureSet_FieldPresence as Presence,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { type HttpRule, http } from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import {
  type CompiledDescriptors,
  CompiledDescriptorsSchema,
  EnumShapeSchema,
  type FieldShape,
  FieldShapeSchema,
  type HttpBinding,
  HttpBindingSchema,
  MessageShapeSchema,
  MethodShapeSchema,
  ServiceShapeSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';

/** All messages, for any may be in an `Any`. */
export function compileTypes(registry: FileRegistry): CompiledDescriptors {
  const all = [...registry];
  const messages = all.filter((type) => type.kind === 'message');
  const enums = all.filter((type) => type.kind === 'enum');
  const places = new Map<DescMessage | DescEnum, number>();
  for (const [place, message] of messages.entries()) places.set(message, place);
  for (const [place, type] of enums.entries()) places.set(type, place);
  return create(CompiledDescriptorsSchema, {
    messages: messages.map((message) => toBinary(MessageShapeSchema, compileMessage(message, places))),
    enums: enums.map((type) =>
      create(EnumShapeSchema, {
        name: type.typeName,
        isClosed: !type.open,
        values: type.values.map(({ name, number }) => ({ name, number })),
      }),
    ),
    services: all
      .filter((type) => type.kind === 'service')
      .map((service) =>
        create(ServiceShapeSchema, {
          name: service.typeName,
          methods: service.methods.map((method) =>
            create(MethodShapeSchema, {
              name: method.name,
              input: places.get(method.input)!,
              output: places.get(method.output)!,
              clientStreaming:
                method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
              serverStreaming:
                method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
              bindings: httpBindings(method),
            }),
          ),
        }),
      ),
  });
}

/** As `google.api.http` has them; without it POST by the method's own name. */
export function httpBindings(method: DescMethod): HttpBinding[] {
  if (!hasOption(method, http))
    return [
      create(HttpBindingSchema, {
        method: 'POST',
        template: `/${method.parent.typeName}/${method.name}`,
        body: '*',
      }),
    ];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].flatMap(compileRule);
}

function compileRule({ pattern, body, responseBody }: HttpRule): HttpBinding[] {
  if (pattern.case === undefined) return [];
  const [method, template] =
    pattern.case === 'custom'
      ? [pattern.value.kind, pattern.value.path]
      : [pattern.case.toUpperCase(), pattern.value];
  return [create(HttpBindingSchema, { method, template, body, responseBody })];
}

type Places = ReadonlyMap<DescMessage | DescEnum, number>;

function compileMessage(message: DescMessage, places: Places) {
  return create(MessageShapeSchema, {
    name: message.typeName,
    fields: message.fields.map((field) => compileField(field, message, places)),
  });
}

function compileField(field: DescField, parent: DescMessage, places: Places): FieldShape {
  const of = field.message ?? field.enum;
  return create(FieldShapeSchema, {
    number: field.number,
    name: field.name,
    jsonName: field.jsonName,
    type: typeOf(field),
    of: of === undefined ? 0 : places.get(of)!,
    repeated: field.fieldKind === 'list' || field.fieldKind === 'map',
    packed: field.fieldKind === 'list' && field.packed,
    hasPresence: field.presence !== Presence.IMPLICIT,
    oneof: 'oneof' in field && field.oneof !== undefined ? parent.oneofs.indexOf(field.oneof) + 1 : 0,
    mapKey: field.fieldKind === 'map' ? field.mapKey : 0,
    checksUtf8: field.utf8Validation,
  });
}

function typeOf(field: DescField): number {
  if (field.enum !== undefined) return Type.ENUM;
  // Scalar types have the numbers of these.
  // oxlint-disable-next-line typescript/no-unsafe-enum-return, typescript/no-unsafe-enum-assignment -- as said
  if (field.scalar !== undefined) return field.scalar;
  return 'delimitedEncoding' in field && field.delimitedEncoding ? Type.GROUP : Type.MESSAGE;
}
