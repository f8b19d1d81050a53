import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { parseTemplate, type TemplatePart, type TemplateSource } from '@causeway/model/template';
import {
  type Template,
  TemplateSchema,
  type TemplatePartSchema,
  TemplateSource as CompiledSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { assert } from '@causeway/runtime/assert';

/** A text that validation has parsed. */
export function compileTemplate(text: string): Template {
  const parsed = parseTemplate(text);
  assert('parts' in parsed, 'validation has parsed the template');
  return create(TemplateSchema, { parts: parsed.parts.map(compilePart) });
}

function compilePart(part: TemplatePart): MessageInitShape<typeof TemplatePartSchema> {
  if (typeof part === 'string') return { part: { case: 'literal', value: part } };
  return { part: { case: 'variable', value: { source: sources[part.source], name: part.name } } };
}

const sources: Readonly<Record<TemplateSource, CompiledSource>> = {
  'request.method': CompiledSource.REQUEST_METHOD,
  'request.host': CompiledSource.REQUEST_HOST,
  'request.path': CompiledSource.REQUEST_PATH,
  'request.id': CompiledSource.REQUEST_ID,
  'request.scheme': CompiledSource.REQUEST_SCHEME,
  'request.header.': CompiledSource.REQUEST_HEADER,
  'request.query.': CompiledSource.REQUEST_QUERY,
  'path.': CompiledSource.PATH_PARAMETER,
  'client.address': CompiledSource.CLIENT_ADDRESS,
  'route.name': CompiledSource.ROUTE_NAME,
  'claims.': CompiledSource.CLAIM,
  'consumer.name': CompiledSource.CONSUMER_NAME,
};
