/** Texts with parts of the request in them. Their grammar was read elsewhere; here are the parts only. */

import type { TemplatePart, TemplateVariable } from '@causeway/model/template';

export type { TemplatePart, TemplateSource, TemplateVariable } from '@causeway/model/template';

import { byteString } from './byte-string.ts';
import type { FilterExchange } from './filter.ts';
import { claimText } from './identity.ts';
import { queryValue } from './query-value.ts';

/** Parts made ready: all of them byte strings, as what a request holds. */
export type Template = readonly TemplatePart[];

/** Literal text goes out in UTF-8. */
export function prepareTemplate(parts: readonly TemplatePart[]): Template {
  return parts.map((part) =>
    typeof part === 'string' ? byteString(part) : { source: part.source, name: byteString(part.name) },
  );
}

/** What of a request stands in it. */
export function variablesOf(template: Template): TemplateVariable[] {
  return template.filter((part) => typeof part !== 'string');
}

/** The text of a template in which nothing varies. */
export function fixedText(template: Template): string | undefined {
  let text = '';
  for (const part of template) {
    if (typeof part !== 'string') return undefined;
    text += part;
  }
  return text;
}

/** The text for one request, nothing standing for what the request has not. */
export function expandText(template: Template, exchange: FilterExchange): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : (readPart(part, exchange) ?? '');
  return text;
}

/** The text for one request; undefined when the request lacks a part of it. */
export function expandWhole(template: Template, exchange: FilterExchange): string | undefined {
  let text = '';
  for (const part of template) {
    const read = typeof part === 'string' ? part : readPart(part, exchange);
    if (read === undefined) return undefined;
    text += read;
  }
  return text;
}

/** Undefined: the request has no such part. */
export function readPart({ source, name }: TemplateVariable, exchange: FilterExchange): string | undefined {
  switch (source) {
    case 'request.method':
      return exchange.method;
    case 'request.host':
      return exchange.host;
    case 'request.path':
      return exchange.path;
    case 'request.id':
      return exchange.requestId;
    case 'request.scheme':
      return exchange.scheme;
    case 'request.header.':
      return exchange.requestHeader(name);
    case 'request.query.':
      return queryValue(exchange.query, name);
    case 'path.':
      return exchange.pathParameter(name);
    case 'client.address':
      return exchange.clientAddress;
    case 'route.name':
      return exchange.routeName;
    case 'claims.':
      return exchange.identity && claimText(exchange.identity.claims, name);
    case 'consumer.name':
      return exchange.identity?.consumer;
  }
}
