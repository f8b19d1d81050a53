/** The request as a Service that judges it is told. */

import { forbiddenInValue, listValue } from '../fields.ts';
import type { FilterExchange } from '../filter.ts';

/** Its fields of these names, in lower case, as far as it has them. */
export function askedHeaders(
  exchange: FilterExchange,
  names: Iterable<string>,
): [name: string, value: string][] {
  return [...names].flatMap((name): [string, string][] => {
    const value = fieldFor(exchange, name);
    return value === undefined || forbiddenInValue.test(value) ? [] : [[name, value]];
  });
}

/** As the upstream would get it: without what the client says of itself, and with what is known of it. */
function fieldFor({ upstreamFields, identity }: FilterExchange, name: string): string | undefined {
  if (name === 'x-consumer-name') return identity?.consumer;
  if (name === 'x-consumer-groups') return identity?.groups.join(',');
  return listValue(upstreamFields, name);
}

/** Path and query as the client asked for them. */
export function targetOf({ path, query }: FilterExchange): string {
  return query === undefined ? path : `${path}?${query}`;
}
