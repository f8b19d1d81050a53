/** What a request is told apart by: for limits, and wherever credentials are read. */

import type { FilterExchange } from './filter.ts';
import { claimText } from './identity.ts';
import { queryValue } from './query-value.ts';

/** `name`: of headers in lower case. */
export type RequestSource =
  | { readonly kind: 'address' | 'path' | 'route' | 'consumer' }
  | { readonly kind: 'header' | 'query' | 'cookie' | 'claim'; readonly name: string };

/** Undefined where the request has none; of a repeated parameter or cookie the first. An empty value is one. */
export function readSource(source: RequestSource, exchange: FilterExchange): string | undefined {
  switch (source.kind) {
    case 'address':
      return exchange.clientAddress;
    case 'path':
      return exchange.path;
    case 'route':
      return exchange.routeName;
    case 'consumer':
      return exchange.identity?.consumer;
    case 'claim':
      return exchange.identity && claimText(exchange.identity.claims, source.name);
    case 'header':
      return exchange.requestHeader(source.name);
    case 'query':
      return queryValue(exchange.query, source.name);
    case 'cookie':
      return cookieValue(exchange.requestHeader('cookie'), source.name);
  }
}

/** Of the first cookie of the name (RFC 6265 section 5.4), as it was sent. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined || !header.includes(name)) return undefined;
  for (const pair of header.split(';')) {
    const value = valueIn(pair, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Of the first `max` cookies of the name: hosts, parent domains and paths may each have one. */
export function cookieValues(header: string | undefined, name: string, max: number): readonly string[] {
  if (header === undefined || !header.includes(name)) return [];
  const values: string[] = [];
  for (const pair of header.split(';')) {
    const value = valueIn(pair, name);
    if (value !== undefined) values.push(value);
    if (values.length === max) break;
  }
  return values;
}

function valueIn(pair: string, name: string): string | undefined {
  const equals = pair.indexOf('=');
  return equals >= 0 && pair.slice(0, equals).trim() === name ? pair.slice(equals + 1).trim() : undefined;
}
