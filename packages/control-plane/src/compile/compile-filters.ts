import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type FilterItem as AuthoredItem, filterName } from '@causeway/model/filters/filter-item';
import { type FaultInjectionSpec, faultInjectionFilter } from '@causeway/model/filters/fault-injection';
import { mirrorFilter } from '@causeway/model/filters/mirror';
import { phaseRank } from '@causeway/model/filters/phases';
import { type RespondSpec, respondFilter } from '@causeway/model/filters/respond';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { parseTemplate, type TemplatePart, type TemplateSource } from '@causeway/model/template';
import {
  type FaultInjection,
  FaultInjectionSchema,
  type FilterItem,
  FilterItemSchema,
  MirrorSchema,
  type Respond,
  RespondSchema,
  type Template,
  TemplateSchema,
  type TemplatePartSchema,
  TemplateSource as CompiledSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { assert } from '@causeway/runtime/assert';

/** A list of filters; `namespace` is that of the Middlewares and Services that it names. */
export function compileFilters(items: readonly AuthoredItem[], namespace: string | undefined): FilterItem[] {
  return items.map((item) => {
    const name = filterName(item);
    if (item.middleware !== undefined) {
      const middleware = qualifiedName(namespace, item.middleware);
      return create(FilterItemSchema, { item: { case: 'middleware', value: middleware } });
    }
    if (item.disabled) return create(FilterItemSchema, { name, item: { case: 'disabled', value: true } });
    return create(FilterItemSchema, { name, ...compileFilter(item, namespace) });
  });
}

function compileFilter(
  item: AuthoredItem,
  namespace: string | undefined,
): Pick<FilterItem, 'phase' | 'item'> {
  const { respond, faultInjection, mirror } = item;
  if (faultInjection !== undefined) {
    const value = compileFaultInjection(faultInjection);
    return { phase: phaseRank(faultInjectionFilter.phase), item: { case: 'faultInjection', value } };
  }
  if (mirror !== undefined) {
    const value = create(MirrorSchema, {
      service: qualifiedName(namespace, mirror.service),
      percent: mirror.percent,
      bodyBytesMax: BigInt(sizeBytes(mirror.maxBodySize)),
    });
    return { phase: phaseRank(mirrorFilter.phase), item: { case: 'mirror', value } };
  }
  assert(respond, 'validation has seen that the entry is a filter');
  return { phase: phaseRank(respondFilter.phase), item: { case: 'respond', value: compileRespond(respond) } };
}

function compileFaultInjection({ percent, delay, abort }: FaultInjectionSpec): FaultInjection {
  const delayMs = delay === undefined ? 0 : durationMs(delay);
  if (abort === undefined) return create(FaultInjectionSchema, { percent, delayMs });
  const end: FaultInjection['abort'] =
    abort.status === undefined ? { case: 'reset', value: true } : { case: 'status', value: abort.status };
  return create(FaultInjectionSchema, { percent, delayMs, abort: end });
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
