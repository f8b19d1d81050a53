/** What becomes of a path, on the way upstream or to another address. */

import type { TemplatePart } from '@causeway/model/template';

import type { FilterExchange, Refusal } from './filter.ts';
import { prepareTemplate, readPart } from './template.ts';

/** Paths are canonical. */
export type PathChangeSettings =
  | { readonly kind: 'exact'; readonly path: string }
  | { readonly kind: 'prefix'; readonly path: string }
  | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] };

/** The new path: it begins with one slash, and has neither dot segments nor characters that are none of a path. */
export type PathChange = (exchange: FilterExchange) => string | Refusal;

/**
 * Two slashes at the beginning are a host to some, dot segments lead elsewhere, also to who decodes a path before it looks at it, and
 * the rest is no path at all.
 */
const notCanonical = /^\/\/|(?:\/|%2f|\\|%5c)\.{1,2}(?:\/|%2f|\\|%5c|;|%3b|$)|%(?:(?![0-9a-f]{2})|2e|00)/i;

export function preparePathChange(settings: PathChangeSettings): PathChange {
  if (settings.kind === 'exact') return () => settings.path;
  if (settings.kind === 'prefix') {
    const { path: prefix } = settings;
    const trimmed = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
    return ({ path, matchedLength }) =>
      matchedLength >= path.length ? prefix : checked(trimmed + path.slice(matchedLength));
  }
  const template = prepareTemplate(settings.parts);
  return (exchange) => {
    let path = '';
    for (const part of template) {
      if (typeof part === 'string') {
        path += part;
        continue;
      }
      const value = readPart(part, exchange);
      if (value === undefined) return refused(`The request lacks ${part.source}${part.name}.`);
      // What stood in a path already is spelled as one; of everything else nothing may be structure.
      const isPath = part.source === 'path.' || part.source === 'request.path';
      path += isPath ? value : encodePart(value);
    }
    return checked(path);
  };
}

/** A byte string as part of a segment, or of a query: nothing in it means anything. */
export function encodePart(value: string): string {
  return value.replaceAll(
    /[^A-Za-z0-9\-._~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function checked(path: string): string | Refusal {
  return notCanonical.test(path) ? refused('The request would lead to a path that is none.') : path;
}

function refused(detail: string): Refusal {
  return { kind: 'refusal', reason: 'bad_request', detail };
}
