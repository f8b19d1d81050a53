/** A request by HTTP to the message of a method: what its path, its query and its body hold, one behind the other, which is how protobuf merges. */

import { type EncodeOptions, encodeJsonText, JsonEncoder } from './encode-json.ts';
import { TranscodingFault } from './fault.ts';
import { httpBody, type RawBody } from './http-body.ts';
import { type BoundMethod, type BoundRequest, fieldsOfPath, isTextual } from './method-router.ts';
import { percentDecode } from './path-template.ts';
import type { Json } from './scalars.ts';
import { type FieldType, Type } from './types.ts';
import type { WireWriter } from './wire-writer.ts';

/** Parameters of one query; each is looked up by its name. */
const parametersMax = 1000;

/** Whether the body is one of bytes, as google.api.HttpBody has it, and no JSON. */
export function takesRawBody(method: BoundMethod): boolean {
  const { body, input } = method;
  if (body === '*') return input.name === httpBody;
  return body !== undefined && body.type === Type.MESSAGE && !body.isList && body.message.name === httpBody;
}

/** Throws a `TranscodingFault`: a JSON Pointer into the body, or the name of a parameter. */
export function encodeBody(
  { body, input }: BoundMethod,
  text: string,
  writer: WireWriter,
  options: EncodeOptions,
): void {
  if (body === undefined || text === '') return;
  encodeJsonText(text, writer, options, (encoder, value) => {
    if (body === '*') encoder.message(input, value);
    else if (value !== null) encoder.field(body, value);
  });
}

export function encodeRawBody(
  { body }: BoundMethod,
  { contentType, bytes }: RawBody,
  writer: WireWriter,
): void {
  const encoder = new JsonEncoder(writer, { ignoreUnknownFields: false });
  const write = (): void => {
    encoder.tag(1, 2);
    writer.string(contentType);
    encoder.tag(2, 2);
    writer.bytes(bytes);
  };
  if (body === '*' || body === undefined) {
    write();
    return;
  }
  encoder.tag(body.number, 2);
  const start = writer.begin();
  write();
  writer.end(start);
}

/** What the path holds goes last: nothing of the body stands against it. */
export function encodePath(
  { method, captures }: BoundRequest,
  writer: WireWriter,
  options: EncodeOptions,
): void {
  const encoder = new JsonEncoder(writer, options);
  for (const [index, fields] of method.variables.entries())
    encodeText(encoder, fields, pathOf(fields), captures[index]!);
}

export function encodeQuery(
  method: BoundMethod,
  query: string,
  writer: WireWriter,
  options: EncodeOptions,
): void {
  if (query === '') return;
  const encoder = new JsonEncoder(writer, options);
  const seen = new Set<string>();
  const parameters = query.split('&', parametersMax + 1);
  if (parameters.length > parametersMax)
    throw new TranscodingFault(`has more than ${parametersMax} parameters`);
  for (const parameter of parameters) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    const name = decodeParameter(equals < 0 ? parameter : parameter.slice(0, equals));
    const fields = queryFields(method, name, options);
    if (fields === undefined) continue;
    const path = pathOf(fields);
    if (seen.has(path) && !fields.at(-1)!.isList) throw new TranscodingFault('stands there twice', name);
    seen.add(path);
    encodeText(encoder, fields, name, decodeParameter(equals < 0 ? '' : parameter.slice(equals + 1), name));
  }
}

/** Undefined: passed over. */
function queryFields(
  { input, body, variables }: BoundMethod,
  name: string,
  { ignoreUnknownFields }: EncodeOptions,
): readonly FieldType[] | undefined {
  const fields = body === '*' ? undefined : fieldsOfPath(input, name.split('.', 33));
  const last = fields?.at(-1);
  if (last === undefined || !isTextual(last)) {
    if (ignoreUnknownFields) return undefined;
    throw new TranscodingFault(
      body === '*' ? 'is not taken: all of the message is in the body' : `is no parameter of ${input.name}`,
      name,
    );
  }
  if (fields![0] === body) throw new TranscodingFault('is in the body', name);
  const path = pathOf(fields!);
  if (variables.some((variable) => pathOf(variable) === path))
    throw new TranscodingFault('is in the path', name);
  return fields;
}

function pathOf(fields: readonly FieldType[]): string {
  return fields.map(({ name }) => name).join('.');
}

function encodeText(encoder: JsonEncoder, fields: readonly FieldType[], name: string, text: string): void {
  at(name, () => nested(encoder, fields, 0, text));
}

/** Faults of it are those of a parameter. */
function at<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TranscodingFault) error.pointer = name;
    throw error;
  }
}

function nested(encoder: JsonEncoder, fields: readonly FieldType[], place: number, text: string): void {
  const field = fields[place]!;
  if (place === fields.length - 1) {
    encoder.single(field, jsonOfText(field, text), false);
    return;
  }
  encoder.tag(field.number, 2);
  const start = encoder.writer.begin();
  nested(encoder, fields, place + 1, text);
  encoder.writer.end(start);
}

/** As the JSON mapping wants it. */
function jsonOfText(field: FieldType, text: string): Json {
  const { type } =
    field.type === Type.MESSAGE && field.message.wellKnown === 'Wrapper' ? field.message.fields[0]! : field;
  if (type === Type.BOOL && (text === 'true' || text === 'false')) return text === 'true';
  if (type === Type.ENUM && /^-?\d{1,10}$/.test(text)) return Number(text);
  return text;
}

/** application/x-www-form-urlencoded. */
function decodeParameter(text: string, name = ''): string {
  return at(name, () => percentDecode(text.replaceAll('+', ' ')));
}
