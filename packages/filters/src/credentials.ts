/** Where credentials are in a request, and how they are kept from going further. */

import { removeField, removeLookalikes, setField } from './fields.ts';
import type { FilterExchange } from './filter.ts';
import { queryValue, withoutParameters } from './query-value.ts';
import { cookieValue, type RequestSource, readSource } from './request-source.ts';

export const authorization = { kind: 'header', name: 'authorization' } as const;

export function isAuthorization(source: RequestSource | undefined): boolean {
  return source?.kind === 'header' && source.name === authorization.name;
}

/**
 * What the source holds; of `header:authorization` what follows the scheme, in lower case, and nothing where there is another scheme. An empty
 * value is none.
 */
export function readCredential(
  source: RequestSource,
  scheme: string,
  exchange: FilterExchange,
): string | undefined {
  const value = readSource(source, exchange);
  if (value === undefined || value === '') return undefined;
  if (source.kind !== 'header' || source.name !== 'authorization') return value;
  return afterScheme(value, scheme);
}

/** RFC 9110 section 11.4: the scheme, of letters alone, is not case-sensitive, and spaces follow it. */
function afterScheme(value: string, scheme: string): string | undefined {
  const length = scheme.length;
  if (value.charCodeAt(length) !== 0x20) return undefined;
  for (let at = 0; at < length; at += 1)
    if ((value.charCodeAt(at) | 0x20) !== scheme.charCodeAt(at)) return undefined;
  const rest = value.slice(length + 1).trim();
  return rest === '' ? undefined : rest;
}

/** Keeps it from the access log, which has the query. */
export function hideCredential(source: RequestSource, exchange: FilterExchange): void {
  if (source.kind === 'query') exchange.hideQuery(source.name);
}

/** Takes it out of what goes upstream. */
export function removeCredential(source: RequestSource, exchange: FilterExchange): void {
  if (source.kind === 'header') removeHeader(exchange, source.name);
  else if (source.kind === 'cookie') removeCookie(exchange, source.name);
  else if (source.kind === 'query') removeQuery(exchange, source.name);
}

function removeHeader({ upstreamFields }: FilterExchange, name: string): void {
  removeField(upstreamFields, name);
  removeLookalikes(upstreamFields, name);
}

function removeQuery(exchange: FilterExchange, name: string): void {
  const { upstreamPath, upstreamQuery } = exchange;
  if (queryValue(upstreamQuery, name) === undefined) return;
  exchange.rewriteTarget(upstreamPath, withoutParameters(upstreamQuery!, new Set([name])));
}

function removeCookie(exchange: FilterExchange, name: string): void {
  if (cookieValue(exchange.requestHeader('cookie'), name) !== undefined)
    removeCookies(exchange, (each) => each === name);
}

/** Takes cookies of such names out of what goes upstream. */
export function removeCookies({ upstreamFields }: FilterExchange, isTheirs: (name: string) => boolean): void {
  const pairs: string[] = [];
  for (let at = 0; at < upstreamFields.length; at += 2)
    if (upstreamFields[at]!.toLowerCase() === 'cookie') pairs.push(...upstreamFields[at + 1]!.split(';'));
  const others = pairs.map((pair) => pair.trim()).filter((pair) => !isTheirs(pair.split('=', 1)[0]!.trim()));
  if (others.length === pairs.length) return;
  if (others.length === 0) removeField(upstreamFields, 'cookie');
  else setField(upstreamFields, 'cookie', others.join('; '));
}
