import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type FilterItem as AuthoredItem, filterName } from '@causeway/model/filters/filter-item';
import { phaseRank } from '@causeway/model/filters/phases';
import { type RespondSpec, respondFilter } from '@causeway/model/filters/respond';
import { qualifiedName } from '@causeway/model/resource';
import { parseTemplate, type TemplatePart, type TemplateSource } from '@causeway/model/template';
import {
  type FilterItem,
  FilterItemSchema,
  type Respond,
  RespondSchema,
  type Template,
  TemplateSchema,
  type TemplatePartSchema,
  TemplateSource as CompiledSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { assert } from '@causeway/runtime/assert';

/** A list of filters; `namespace` is that of the Middlewares that it names. */
export function compileFilters(items: readonly AuthoredItem[], namespace: string | undefined): FilterItem[] {
  return items.map((item) => {
    const name = filterName(item);
    if (item.middleware !== undefined) {
      const middleware = qualifiedName(namespace, item.middleware);
      return create(FilterItemSchema, { item: { case: 'middleware', value: middleware } });
    }
    if (item.disabled) return create(FilterItemSchema, { name, item: { case: 'disabled', value: true } });
    assert(item.respond, 'validation has seen that the entry is one of the three');
    const phase = phaseRank(respondFilter.phase);
    return create(FilterItemSchema, {
      name,
      phase,
      item: { case: 'respond', value: compileRespond(item.respond) },
    });
  });
}

/** What a body is when its author does not say. */
const contentTypeDefault = 'text/plain; charset=utf-8';

function compileRespond({ status, headers, body }: RespondSpec): Respond {
  const written = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (body !== '' && !written.has('content-type')) written.set('content-type', contentTypeDefault);
  // Sorted, so that equal headers give equal bytes in whatever order they were written.
  const names = [...written.keys()].toSorted();
  return create(RespondSchema, {
    status,
    headers: names.map((name) => ({ name, value: compileTemplate(written.get(name)!) })),
    body: compileTemplate(body),
  });
}

function compileTemplate(text: string): Template {
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
};
