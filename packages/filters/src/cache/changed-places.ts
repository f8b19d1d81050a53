/** What an unsafe request has changed: its own URI, and those that its answer names (RFC 9111 section 4.4). */

import { fieldValue } from '../fields.ts';
import type { FilterExchange } from '../filter.ts';
import { type ChangedPlace, keyedQuery } from './cache-store.ts';

/** A target of a request as the node spells it; undefined of what is none. */
export type CanonicalTarget = (
  target: string,
) => { readonly path: string; readonly query: string | undefined } | undefined;

export function changedPlaces(
  { host, authority, path, upstreamQuery, responseFields, scheme }: FilterExchange,
  queryNames: ReadonlySet<string> | undefined,
  canonical: CanonicalTarget,
): ChangedPlace[] {
  const places: ChangedPlace[] = [{ host, path, query: keyedQuery(upstreamQuery, queryNames) }];
  for (const name of ['location', 'content-location']) {
    const value = fieldValue(responseFields, name);
    const url = value === undefined ? null : URL.parse(value, `${scheme}://${authority}${path}`);
    // Of another host it has no say.
    if (url === null || url.hostname.toLowerCase() !== host) continue;
    const target = canonical(url.pathname + url.search);
    if (target !== undefined)
      places.push({ host, path: target.path, query: keyedQuery(target.query, queryNames) });
  }
  return places;
}
