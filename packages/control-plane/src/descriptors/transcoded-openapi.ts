/** An OpenAPI 3.1 document of what Routes with `transcode` let clients call by HTTP and JSON. */

import type { DescField, DescMessage, DescMethod, FileRegistry } from '@bufbuild/protobuf';
import type { HttpBinding } from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';
import { httpBindings } from '@causeway/transcoding/compile-types';
import { TranscodingFault } from '@causeway/transcoding/fault';
import { parsePathTemplate, type PathTemplate } from '@causeway/transcoding/path-template';
import { isTextual, type JsonNames, type JsonSchema, JsonSchemas } from './json-schemas.ts';

export interface TranscodedSurface {
  readonly registry: FileRegistry;
  /** Full names; empty = all. */
  readonly services: readonly string[];
  readonly names: JsonNames;
}

export interface TranscodedDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, object>>;
  readonly components: { readonly schemas: Record<string, JsonSchema> };
  /** All forms of all methods, also those that OpenAPI cannot say. */
  readonly 'x-causeway-methods': { readonly method: string; readonly http: string }[];
}

/** Methods of HTTP that OpenAPI knows. */
const verbs = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
/** Of one operation, and how deep messages in messages are named. */
const parametersMax = 200;
const parameterDepthMax = 4;
const operationsMax = 5000;

const statusSchema: JsonSchema = {
  type: 'object',
  description: 'google.rpc.Status',
  properties: {
    code: { type: 'integer', format: 'int32' },
    message: { type: 'string' },
    details: { type: 'array', items: { type: 'object', properties: { '@type': { type: 'string' } } } },
  },
};

/** Of several that bind one path the first counts. */
export function transcodedOpenApi(title: string, surfaces: readonly TranscodedSurface[]): TranscodedDocument {
  const document: TranscodedDocument = {
    openapi: '3.1.0',
    info: { title, version: '1' },
    paths: {},
    components: { schemas: { 'google.rpc.Status': statusSchema } },
    'x-causeway-methods': [],
  };
  for (const { registry, services, names } of surfaces) {
    const schemas = new JsonSchemas(names);
    for (const service of registry) {
      if (service.kind !== 'service' || (services.length > 0 && !services.includes(service.typeName)))
        continue;
      for (const method of service.methods)
        for (const binding of httpBindings(method)) addBinding(document, schemas, method, binding);
    }
    Object.assign(document.components.schemas, { ...schemas.components, ...document.components.schemas });
  }
  return document;
}

function addBinding(
  document: TranscodedDocument,
  schemas: JsonSchemas,
  method: DescMethod,
  binding: HttpBinding,
): void {
  const forms = document['x-causeway-methods'];
  const template = templateOf(binding);
  if (template === undefined || forms.length >= operationsMax) return;
  const fields = template.variables.map(({ fieldPath }) => fieldAt(method.input, fieldPath));
  if (fields.some((field) => field === undefined)) return;
  const path = openApiPath(template);
  const verb = binding.method.toLowerCase();
  const item = (document.paths[path] ??= {});
  if (item[verb] !== undefined) return;
  forms.push({
    method: `${method.parent.typeName}/${method.name}`,
    http: `${binding.method} ${binding.template}`,
  });
  if (verbs.includes(verb)) item[verb] = operation(schemas, method, binding, template);
  if (Object.keys(item).length === 0) delete document.paths[path];
}

function templateOf({ template }: HttpBinding): PathTemplate | undefined {
  try {
    return parsePathTemplate(template);
  } catch (error) {
    // What binds nothing is not there.
    if (error instanceof TranscodingFault) return undefined;
    throw error;
  }
}

function operation(
  schemas: JsonSchemas,
  method: DescMethod,
  binding: HttpBinding,
  template: PathTemplate,
): object {
  const { input, output, methodKind } = method;
  const body = binding.body === '*' ? schemas.ofMessage(input) : bodyOf(schemas, input, binding.body);
  const answer = bodyOf(schemas, output, binding.responseBody) ?? schemas.ofMessage(output);
  const isRaw = output.typeName === 'google.api.HttpBody' && binding.responseBody === '';
  const streams = methodKind === 'server_streaming' || methodKind === 'bidi_streaming';
  const takesMany = methodKind === 'client_streaming' || methodKind === 'bidi_streaming';
  return {
    operationId: `${method.parent.typeName}.${method.name} ${binding.method} ${binding.template}`,
    tags: [method.parent.typeName],
    ...(method.deprecated && { deprecated: true }),
    parameters: [
      ...pathParameters(schemas, input, template),
      ...queryParameters(schemas, input, binding, template),
    ],
    ...(body && {
      requestBody: { content: takesMany ? manyMessages(body) : { 'application/json': { schema: body } } },
    }),
    responses: {
      '200': {
        description: output.typeName,
        content: isRaw
          ? { '*/*': {} }
          : streams
            ? { 'application/x-ndjson': { schema: answer }, 'text/event-stream': { schema: answer } }
            : { 'application/json': { schema: answer } },
      },
      default: {
        description: 'What went wrong, as google.rpc.Status.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/google.rpc.Status' } } },
      },
    },
  };
}

function manyMessages(schema: JsonSchema): object {
  return {
    'application/json': { schema: { type: 'array', items: schema } },
    'application/x-ndjson': { schema },
  };
}

function bodyOf(schemas: JsonSchemas, message: DescMessage, name: string): JsonSchema | undefined {
  const field = fieldAt(message, [name]);
  return field && schemas.ofField(field);
}

/** Literals stay; each wildcard is a parameter, called by the field that it is a part of. */
function openApiPath(template: PathTemplate): string {
  const segments = template.segments.map((segment, at) =>
    typeof segment === 'object' ? encodeURIComponent(segment.literal) : `{${parameterAt(template, at)}}`,
  );
  return `/${segments.join('/')}${template.verb === '' ? '' : `:${template.verb}`}`;
}

function parameterAt({ segments, variables }: PathTemplate, at: number): string {
  const variable = variables.find(({ start, end }) => at >= start && at < end);
  if (variable === undefined) return `segment${at + 1}`;
  const wild = segments
    .slice(variable.start, variable.end)
    .flatMap((segment, index) => (typeof segment === 'object' ? [] : [variable.start + index]));
  const name = variable.fieldPath.join('.');
  return wild.length === 1 ? name : `${name}.${wild.indexOf(at) + 1}`;
}

function pathParameters(schemas: JsonSchemas, input: DescMessage, template: PathTemplate): object[] {
  return template.segments.flatMap((segment, at) => {
    if (typeof segment === 'object') return [];
    const variable = template.variables.find(({ start, end }) => at >= start && at < end);
    const isWhole = variable !== undefined && variable.end - variable.start === 1;
    const field = isWhole ? fieldAt(input, variable.fieldPath) : undefined;
    const rest = segment === '**' ? { description: 'May have several segments.' } : {};
    return [
      {
        name: parameterAt(template, at),
        in: 'path',
        required: true,
        ...rest,
        schema: field ? schemas.ofField(field) : { type: 'string' },
      },
    ];
  });
}

/** Fields that neither path nor body have. */
function queryParameters(
  schemas: JsonSchemas,
  input: DescMessage,
  { body }: HttpBinding,
  { variables }: PathTemplate,
): object[] {
  if (body === '*') return [];
  const taken = new Set(variables.map(({ fieldPath }) => fieldPath.join('.')));
  const parameters: object[] = [];
  const add = (message: DescMessage, path: readonly string[], names: readonly string[]): void => {
    for (const field of message.fields) {
      const fieldPath = [...path, field.name];
      if (parameters.length >= parametersMax) return;
      if (taken.has(fieldPath.join('.')) || (path.length === 0 && field.name === body)) continue;
      const name = [...names, schemas.nameOf(field)];
      if (isTextual(field))
        parameters.push({ name: name.join('.'), in: 'query', schema: schemas.ofField(field) });
      else if (field.fieldKind === 'message' && fieldPath.length < parameterDepthMax)
        add(field.message, fieldPath, name);
    }
  };
  add(input, [], []);
  return parameters;
}

function fieldAt(message: DescMessage, path: readonly string[]): DescField | undefined {
  let field: DescField | undefined;
  let parent: DescMessage | undefined = message;
  for (const name of path) {
    field = parent?.fields.find((each) => each.name === name || each.jsonName === name);
    parent = field?.fieldKind === 'message' ? field.message : undefined;
  }
  return field;
}
