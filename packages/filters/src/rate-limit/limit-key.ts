/** What a limit tells requests apart by. */

import type { FilterExchange } from '../filter.ts';
import { type RequestSource, readSource } from '../request-source.ts';
import { addressGroup } from './address-group.ts';

/** Of a part that the request has not the address of its client stands in its place: nobody is without a limit. */
export function limitKey(sources: readonly RequestSource[], exchange: FilterExchange): string {
  if (sources.length === 1) return partOf(sources[0]!, exchange);
  // With their lengths: no value of one part can be taken for two.
  let key = '';
  for (const source of sources) {
    const part = partOf(source, exchange);
    key += `${part.length}:${part}`;
  }
  return key;
}

function partOf(source: RequestSource, exchange: FilterExchange): string {
  if (source.kind === 'address') return addressGroup(exchange.clientAddress);
  const value = readSource(source, exchange);
  if (value === undefined) return addressGroup(exchange.clientAddress);
  // Consumers of two namespaces may have one name; and no value is the address of another client.
  return source.kind === 'consumer' ? `=${exchange.identity!.namespace}/${value}` : `=${value}`;
}
