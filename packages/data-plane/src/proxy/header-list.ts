/** Reading flat header lists. Only these functions know that a list alternates names and values. */

import type { HeaderList } from './exchange.ts';

/** How many fields there are. */
export function headerCount(headers: HeaderList): number {
  return headers.length / 2;
}

/** All values of the field, in order. `name` is in lower case. */
export function headerValues(headers: HeaderList, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    if (isName(headers[at]!, name)) values.push(headers[at + 1]!);
  }
  return values;
}

/** The values joined as RFC 9110 section 5.3 allows, cookies by "; " (RFC 6265 section 5.4); undefined when there is none. */
export function joinedHeader(headers: HeaderList, name: string): string | undefined {
  let joined: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    if (!isName(headers[at]!, name)) continue;
    const value = headers[at + 1]!;
    joined = joined === undefined ? value : `${joined}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return joined;
}

/** Whether a comma-separated list holds the token, in any case. */
export function listHolds(list: string, token: string): boolean {
  return list.split(',').some((part) => part.trim().toLowerCase() === token);
}

/** Hot path: the length tells most names apart, so that few are lowered. */
function isName(sent: string, lowerName: string): boolean {
  return sent.length === lowerName.length && (sent === lowerName || sent.toLowerCase() === lowerName);
}
