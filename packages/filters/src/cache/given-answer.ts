/** A stored answer on its way to a client. */

import type { Answer, FilterExchange } from '../filter.ts';
import { wantedRange } from './byte-range.ts';
import type { StoredAnswer } from './cache-store.ts';
import { isNotModified, notModifiedFields } from './use-rules.ts';

const empty = new Uint8Array();

/** RFC 9211. */
export function cacheStatus(parameters: string): string {
  return `causeway; ${parameters}`;
}

/** With its age; as a 304 where the client has it, and in part where it wants a part. `how`: parameters of Cache-Status. */
export function givenAnswer(
  { status, fields, body, terms }: Pick<StoredAnswer, 'status' | 'fields' | 'body' | 'terms'>,
  ageMs: number,
  how: string,
  exchange: FilterExchange,
): Answer {
  const ttl = Math.floor((terms.lifetimeMs - ageMs) / 1000);
  const age = ['age', String(Math.max(0, Math.floor(ageMs / 1000)))];
  const told = [...age, 'cache-status', cacheStatus(`${how}; ttl=${ttl}`)];
  const whole: Answer = { kind: 'answer', status, fields: [...fields, ...told], body };
  if (status !== 200) return whole;
  const header = (lowerName: string): string | undefined => exchange.requestHeader(lowerName);
  if (isNotModified(fields, header))
    return { ...whole, status: 304, fields: [...notModifiedFields(fields), ...told], body: empty };
  const range = exchange.method === 'GET' ? wantedRange(fields, body.length, header) : undefined;
  if (range === undefined) return whole;
  if (range === 'none')
    return {
      ...whole,
      status: 416,
      fields: [...told, 'content-range', `bytes */${body.length}`],
      body: empty,
    };
  const { first, last } = range;
  const place = ['content-range', `bytes ${first}-${last}/${body.length}`];
  return {
    ...whole,
    status: 206,
    fields: [...fields, ...told, ...place],
    body: body.subarray(first, last + 1),
  };
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
