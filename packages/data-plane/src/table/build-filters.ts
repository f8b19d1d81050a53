/** Compiled filters made ready, list by list; chains are assembled from the lists (`route-filters.ts`). */

import type { Filter } from '@causeway/filters/filter';
import { createFaultInjectionFilter, type FaultSettings } from '@causeway/filters/fault-injection';
import { createMirrorFilter, type MirrorSettings } from '@causeway/filters/mirror';
import { createRespondFilter, type RespondSettings } from '@causeway/filters/respond';
import {
  type FaultInjection,
  type FilterItem,
  type Mirror,
  type Respond,
  type Template,
  type TemplatePart,
  TemplateSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

import { processRandom } from '../upstream/balancing/member.ts';

/** An entry of a list: a filter, the removal of one, or a Middleware whose list stands here. */
export type BuiltItem =
  | { readonly kind: 'filter'; readonly name: string; readonly phase: number; readonly filter: Filter }
  | { readonly kind: 'removal'; readonly name: string }
  /** "namespace/name" */
  | { readonly kind: 'middleware'; readonly middleware: string };

/** Makes the filter of an item that is one. Throws UnknownChoice for a filter that it does not have. */
export type BuildFilter = (item: FilterItem) => Filter;

/**
 * The entries of one Gateway, Route or Middleware. A filter is made here once, and shared by every chain that the list is part
 * of. Throws UnknownChoice for a filter that this version does not have: a node must not run a Route without what protects it.
 */
export function buildFilters(
  items: readonly FilterItem[],
  build: BuildFilter = buildFilter,
): readonly BuiltItem[] {
  return items.map((entry): BuiltItem => {
    const { name, phase, item } = entry;
    if (item.case === 'middleware') return { kind: 'middleware', middleware: item.value };
    if (item.case === 'disabled') return { kind: 'removal', name };
    return { kind: 'filter', name, phase, filter: build(entry) };
  });
}

/** The filters of the product. */
export const buildFilter: BuildFilter = ({ name, item }) => {
  switch (item.case) {
    case 'respond':
      return createRespondFilter(name, readRespond(item.value));
    case 'faultInjection':
      return createFaultInjectionFilter(name, readFault(item.value), processRandom);
    case 'mirror':
      return createMirrorFilter(name, readMirror(item.value), processRandom);
    default:
      throw new UnknownChoice(`filter ${JSON.stringify(name)}`);
  }
};

function readFault({ percent, delayMs, abort }: FaultInjection): FaultSettings {
  return { percent, delayMs, abort: abort.case === 'reset' ? 'reset' : abort.value };
}

function readMirror({ service, percent, bodyBytesMax }: Mirror): MirrorSettings {
  return { service, percent, bodyBytesMax: Number(bodyBytesMax) };
}

function readRespond({ status, headers, body }: Respond): RespondSettings {
  return {
    status,
    headers: headers.map(({ name, value }) => ({ name, value: readTemplate(value) })),
    body: readTemplate(body),
  };
}

function readTemplate(template: Template | undefined): RespondSettings['body'] {
  if (template === undefined) throw new Error('a template is missing');
  return template.parts.map(readPart);
}

function readPart({ part }: TemplatePart): RespondSettings['body'][number] {
  switch (part.case) {
    case 'literal':
      return part.value;
    case 'variable':
      return { source: readSource(part.value.source), name: part.value.name };
    case undefined:
      throw new UnknownChoice('a part of a template');
  }
}

type Source = Exclude<RespondSettings['body'][number], string>['source'];

const sources: Readonly<Record<number, Source>> = {
  [TemplateSource.REQUEST_METHOD]: 'request.method',
  [TemplateSource.REQUEST_HOST]: 'request.host',
  [TemplateSource.REQUEST_PATH]: 'request.path',
  [TemplateSource.REQUEST_ID]: 'request.id',
  [TemplateSource.REQUEST_SCHEME]: 'request.scheme',
  [TemplateSource.REQUEST_HEADER]: 'request.header.',
  [TemplateSource.REQUEST_QUERY]: 'request.query.',
  [TemplateSource.PATH_PARAMETER]: 'path.',
  [TemplateSource.CLIENT_ADDRESS]: 'client.address',
  [TemplateSource.ROUTE_NAME]: 'route.name',
};

function readSource(source: TemplateSource): Source {
  const known = sources[source];
  if (known === undefined) throw new UnknownChoice(`variable ${source} of a template`);
  return known;
}
