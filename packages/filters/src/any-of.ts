/** Several ways to authenticate of which one is enough: the first whose credentials are there decides. */

import { type AuthenticationFilter, unauthenticated } from './authentication.ts';
import { authorization, removeCredential } from './credentials.ts';
import type { Filter, FilterExchange, Sooner, Verdict } from './filter.ts';

/** Which way an exchange took. */
interface Taken {
  way: AuthenticationFilter | undefined;
  state: unknown;
}

/** The ways are tried in this order. A request without any credentials is refused, unless one of them is optional. */
export function createAnyOfFilter(name: string, ways: readonly AuthenticationFilter[]): Filter<Taken> {
  const missing = unauthenticated(
    ways.map(({ challenge }) => challenge),
    'Credentials are required.',
  );
  const isOptional = ways.some((way) => way.isOptional);
  const setsAuthorization = ways.some((way) => way.setsAuthorization);
  const decide = (exchange: FilterExchange, taken: Taken | undefined): Sooner<Verdict> => {
    for (const each of ways) each.removeForgeries?.(exchange);
    const way =
      ways.find((each) => each.isAddressed?.(exchange)) ?? ways.find((each) => each.hasCredentials(exchange));
    if (way === undefined) {
      if (!isOptional) return inviteOrRefuse(exchange);
      // Remains of credentials are secrets all the same.
      for (const each of ways) each.removeCredentials?.(exchange);
    }
    if (setsAuthorization && way?.checksAuthorization?.(exchange) !== true)
      removeCredential(authorization, exchange);
    if (way === undefined) return undefined;
    const state = way.createState?.();
    if (taken !== undefined) Object.assign(taken, { way, state });
    // What it sets must stay.
    if (way.setsAuthorization === true) {
      removeOthers(way, exchange);
      return way.onRequestHead?.(exchange, state);
    }
    const verdict = way.onRequestHead?.(exchange, state);
    if (verdict instanceof Promise) return verdict.then((settled) => admitted(way, exchange, settled));
    return admitted(way, exchange, verdict);
  };
  const admitted = (way: AuthenticationFilter, exchange: FilterExchange, verdict: Verdict): Verdict => {
    if (verdict === undefined) removeOthers(way, exchange);
    return verdict;
  };
  /** Credentials that were not looked at are secrets all the same. */
  const removeOthers = (way: AuthenticationFilter, exchange: FilterExchange): void => {
    for (const other of ways) if (other !== way) other.removeCredentials?.(exchange);
  };
  const inviteOrRefuse = (exchange: FilterExchange): Sooner<Verdict> => {
    const invitation = ways.find((way) => way.invite !== undefined)?.invite?.(exchange);
    return invitation instanceof Promise
      ? invitation.then((settled) => settled ?? missing)
      : (invitation ?? missing);
  };
  const filter: Filter<Taken> = {
    kind: 'anyOf',
    name,
    demands: `anyOf ${JSON.stringify(ways.map(({ demands }) => demands))}`,
    hideSecrets: (exchange) => {
      for (const way of ways) way.hideSecrets?.(exchange);
    },
    onRequestHead: decide,
  };
  if (!ways.some((way) => way.createState !== undefined || way.onExpire !== undefined)) return filter;
  return {
    ...filter,
    createState: () => ({ way: undefined, state: undefined }),
    onResponseHead: (exchange, { way, state }) => way?.onResponseHead?.(exchange, state),
    onExpire: (exchange, { way, state }) => way?.onExpire?.(exchange, state),
  };
}
