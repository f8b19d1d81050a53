/** A stored answer on its way to a client. */

import type { Answer, FilterExchange } from '../filter.ts';
import type { StoredAnswer } from './cache-store.ts';
import { isNotModified, notModifiedFields } from './use-rules.ts';

const empty = new Uint8Array();

/** RFC 9211. */
export function cacheStatus(parameters: string): string {
  return `causeway; ${parameters}`;
}

/** With its age, and as a 304 where the client has it. `how`: parameters of Cache-Status. */
export function givenAnswer(
  { status, fields, body, terms }: Pick<StoredAnswer, 'status' | 'fields' | 'body' | 'terms'>,
  ageMs: number,
  how: string,
  exchange: FilterExchange,
): Answer {
  const isKnown = status === 200 && isNotModified(fields, (name) => exchange.requestHeader(name));
  const given = isKnown ? notModifiedFields(fields) : fields.slice();
  const ttl = Math.floor((terms.lifetimeMs - ageMs) / 1000);
  given.push(
    'age',
    String(Math.max(0, Math.floor(ageMs / 1000))),
    'cache-status',
    cacheStatus(`${how}; ttl=${ttl}`),
  );
  return { kind: 'answer', status: isKnown ? 304 : status, fields: given, body: isKnown ? empty : body };
}

/** Only-if-cached (RFC 9111 section 5.2.1.7). */
export function notStoredHere(forwarded: string): Answer {
  const body = {
    type: 'about:blank',
    title: 'Gateway Timeout',
    status: 504,
    detail: 'It is not in the cache.',
  };
  return {
    kind: 'answer',
    status: 504,
    fields: [
      'content-type',
      'application/problem+json',
      'cache-control',
      'no-store',
      'cache-status',
      cacheStatus(`fwd=${forwarded}; detail=only-if-cached`),
    ],
    body: Buffer.from(JSON.stringify(body)),
  };
}
