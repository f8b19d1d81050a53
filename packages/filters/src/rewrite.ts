/** What goes upstream in place of what the client asked for. */

import type { TemplatePart } from '@causeway/model/template';

import { byteString } from './byte-string.ts';
import { removeField } from './fields.ts';
import type { Filter, FilterExchange } from './filter.ts';
import { encodePart, type PathChangeSettings, preparePathChange } from './path-change.ts';
import { withoutParameters } from './query-value.ts';
import { expandWhole, prepareTemplate, type Template, variablesOf } from './template.ts';

export interface RewriteSettings {
  /** `upstream`: the name of the endpoint; undefined: what the client sent. */
  readonly host: string | undefined;
  readonly path: PathChangeSettings | undefined;
  readonly setQuery: readonly { readonly name: string; readonly value: readonly TemplatePart[] }[];
  readonly removeQuery: readonly string[];
}

interface QueryChange {
  /** Of all that are removed or set. */
  readonly names: ReadonlySet<string>;
  readonly set: readonly { readonly name: string; readonly value: Template }[];
}

export function createRewriteFilter(name: string, settings: RewriteSettings): Filter {
  const { host } = settings;
  const path = settings.path && preparePathChange(settings.path);
  const query = prepareQuery(settings);
  const pathParts = settings.path?.kind === 'template' ? settings.path.parts : [];
  return {
    kind: 'rewrite',
    name,
    sources: [pathParts, ...settings.setQuery.map(({ value }) => value)].flatMap((parts) =>
      variablesOf(prepareTemplate(parts)),
    ),
    onRequestHead: (exchange) => {
      const newPath = path === undefined ? exchange.upstreamPath : path(exchange);
      if (typeof newPath !== 'string') return newPath;
      const newQuery = query === undefined ? exchange.upstreamQuery : changeQuery(query, exchange);
      exchange.rewriteTarget(newPath, newQuery);
      if (host !== undefined) setHost(exchange.upstreamFields, host);
      return undefined;
    },
  };
}

function prepareQuery({ setQuery, removeQuery }: RewriteSettings): QueryChange | undefined {
  if (setQuery.length + removeQuery.length === 0) return undefined;
  const set = setQuery.map(({ name, value }) => ({ name: byteString(name), value: prepareTemplate(value) }));
  return { names: new Set([...removeQuery.map(byteString), ...set.map(({ name }) => name)]), set };
}

/** A parameter that is set to an absent part is not there. */
function changeQuery({ names, set }: QueryChange, exchange: FilterExchange): string | undefined {
  const { upstreamQuery } = exchange;
  let query = upstreamQuery === undefined ? undefined : withoutParameters(upstreamQuery, names);
  for (const { name, value } of set) {
    const text = expandWhole(value, exchange);
    if (text === undefined) continue;
    const pair = `${encodePart(name)}=${encodePart(text)}`;
    query = query === undefined || query === '' ? pair : `${query}&${pair}`;
  }
  return query;
}

/** Without Host the endpoint is named, by whoever sends the request to it. */
function setHost(fields: string[], host: string): void {
  removeField(fields, 'host');
  if (host !== 'upstream') fields.unshift('host', host);
}
