import type { FilterExchange } from '../filter.ts';
import { askedHeaders, targetOf } from './asked-request.ts';
import type { Check } from './external-auth.ts';

/** GET, or POST with the body. 2xx lets pass; of 5xx the Service has not judged. */
export const httpCheck: Check = {
  question: (exchange, { path, headers, timeoutMs }, body) => ({
    method: body === undefined ? 'GET' : 'POST',
    target: path ?? targetOf(exchange),
    fields: [
      ...forwarded(exchange),
      ...askedHeaders(exchange, body === undefined ? headers : new Set([...headers, 'content-type'])),
    ].flat(),
    timeoutMs,
    ...(body !== undefined && { body }),
  }),
  read: ({ status, fields, body }) => {
    if (status >= 500) return undefined;
    const passes = status >= 200 && status <= 299;
    return passes ? { kind: 'pass', fields, removed: [] } : { kind: 'deny', status, fields, body };
  },
};

/** What the request is, as forwarding proxies write it. */
function forwarded(exchange: FilterExchange): [name: string, value: string][] {
  return [
    ['host', exchange.host],
    ['x-forwarded-method', exchange.method],
    ['x-forwarded-proto', exchange.scheme],
    ['x-forwarded-host', exchange.host],
    ['x-forwarded-uri', targetOf(exchange)],
    ['x-forwarded-for', exchange.clientAddress],
    ['x-request-id', exchange.requestId],
  ];
}
