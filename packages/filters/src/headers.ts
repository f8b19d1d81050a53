/** Changes of header fields: rename, remove, set, add. */

import type { TemplatePart, TemplateVariable } from '@causeway/model/template';

import { forbiddenInValue, removeField, removeLookalikes } from './fields.ts';
import type { Filter, FilterExchange, Refusal } from './filter.ts';
import { expandWhole, fixedText, prepareTemplate, type Template, variablesOf } from './template.ts';

export interface HeaderValue {
  readonly name: string;
  readonly value: readonly TemplatePart[];
}

/** Names in lower case. */
export interface HeaderEdits {
  readonly rename: readonly { readonly from: string; readonly to: string }[];
  readonly remove: readonly string[];
  readonly set: readonly HeaderValue[];
  readonly add: readonly HeaderValue[];
}

export interface HeadersSettings {
  readonly request: HeaderEdits;
  readonly response: HeaderEdits;
}

/** Of `set`, then of `add`; undefined: a part of it is absent. */
type Values = readonly (string | undefined)[];

interface Prepared {
  readonly edits: HeaderEdits;
  readonly names: readonly string[];
  readonly templates: readonly Template[];
  /** What of requests stands in the values, and what is renamed. */
  readonly sources: readonly TemplateVariable[];
  /** Where no value varies. */
  readonly fixed: Values | undefined;
  /** Removes a field, of requests also what an application takes for it. */
  readonly remove: (fields: string[], lowerName: string) => void;
}

/** What belongs to one exchange: values of the response, which are known once the request is there. */
interface State {
  values: Values | undefined;
}

export function createHeadersFilter(name: string, settings: HeadersSettings): Filter<State | undefined> {
  const request = prepare(settings.request, removeLookalikes);
  const response = prepare(settings.response, removeField);
  const changesRequest = isAny(settings.request);
  const changesResponse = isAny(settings.response);
  const varies = changesResponse && response.fixed === undefined;
  return {
    kind: 'headers',
    name,
    sources: [...request.sources, ...response.sources],
    ...(varies && { createState: () => ({ values: undefined }) }),
    onRequestHead: (exchange, state) => {
      if (changesRequest) {
        const values = request.fixed ?? expandAll(request, exchange);
        if ('kind' in values) return values;
        apply(request, exchange.upstreamFields, values);
      }
      if (!varies || state === undefined) return undefined;
      const values = expandAll(response, exchange);
      if ('kind' in values) return values;
      state.values = values;
      return undefined;
    },
    ...(changesResponse && {
      onResponseHead: (exchange: FilterExchange, state: State | undefined) => {
        const values = response.fixed ?? state?.values;
        // Without values the request itself was refused.
        if (values !== undefined) apply(response, exchange.responseFields, values);
        return undefined;
      },
    }),
  };
}

function isAny({ rename, remove, set, add }: HeaderEdits): boolean {
  return rename.length + remove.length + set.length + add.length > 0;
}

function prepare(edits: HeaderEdits, remove: Prepared['remove']): Prepared {
  const values = [...edits.set, ...edits.add];
  const templates = values.map(({ value }) => prepareTemplate(value));
  const texts = templates.map(fixedText);
  const fixed = texts.every((text) => text !== undefined) ? texts : undefined;
  const renamed = edits.rename.map(
    ({ from }): TemplateVariable => ({ source: 'request.header.', name: from }),
  );
  const sources = [...templates.flatMap(variablesOf), ...renamed];
  return { edits, sources, names: values.map(({ name }) => name), templates, fixed, remove };
}

/** A value that a request would put a control byte into is the request's fault. */
function expandAll({ names, templates }: Prepared, exchange: FilterExchange): Values | Refusal {
  const values: (string | undefined)[] = [];
  for (const template of templates) {
    const text = expandWhole(template, exchange);
    if (text !== undefined && forbiddenInValue.test(text)) {
      const detail = `The request would put a control character into the field ${names[values.length]}.`;
      return { kind: 'refusal', reason: 'bad_request', detail };
    }
    values.push(text);
  }
  return values;
}

/** A header that is set to an absent part is not there: what a client sent under its name would be taken for it. */
function apply({ edits, names, remove }: Prepared, fields: string[], values: Values): void {
  for (const { from, to } of edits.rename) renameField(fields, from, to, remove);
  for (const name of edits.remove) remove(fields, name);
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at];
    const name = names[at]!;
    if (at < edits.set.length) remove(fields, name);
    if (value !== undefined) fields.push(name, value);
  }
}

function renameField(fields: string[], from: string, to: string, remove: Prepared['remove']): void {
  const values: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at]!.toLowerCase() === from) values.push(fields[at + 1]!);
  if (values.length === 0) return;
  remove(fields, from);
  remove(fields, to);
  for (const value of values) fields.push(to, value);
}
