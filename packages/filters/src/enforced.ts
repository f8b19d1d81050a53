/** A filter of which not every refusal holds: to see what it would do before it does it. */

import { textHash } from '@causeway/runtime/text-hash';

import type { Filter, FilterExchange, RefusalReason, Sooner, Verdict } from './filter.ts';

/** Any number; so that a share of the clients of one filter is the same on every node. */
const seed = 0x9e3779b9;

/**
 * The filter with its refusals held for `percent` of the clients, 0 to 100, told apart by consumer, else by address: one is always or never
 * refused. For the others they are counted and logged, and the request passes.
 */
export function enforcedFor(filter: Filter, percent: number): Filter {
  if (filter.onRequestHead === undefined) return filter;
  return {
    kind: filter.kind,
    name: filter.name,
    // What is only watched demands nothing of streams.
    ...(percent > 0 && filter.demands !== undefined && { demands: filter.demands }),
    ...otherHooks(filter),
    onRequestHead: (exchange, state) => {
      const verdict = filter.onRequestHead?.(exchange, state);
      if (verdict instanceof Promise)
        return verdict.then((settled) => weigh(filter, percent, exchange, settled));
      return weigh(filter, percent, exchange, verdict);
    },
  };
}

const otherHookNames = [
  'hideSecrets',
  'createState',
  'onRequestChunk',
  'onRequestEnd',
  'onResponseHead',
  'onResponseChunk',
  'onResponseEnd',
  'onMessage',
  'onExpire',
  'onEnd',
] as const;

/** Bound: a filter may be an object of a class. */
function otherHooks(filter: Filter): Partial<Filter> {
  const present = otherHookNames.filter((name) => filter[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, filter[name]!.bind(filter)]));
}

/** An answer in place of the upstream's is a refusal too: of a login, or in the words of another Service. */
function weigh(filter: Filter, percent: number, exchange: FilterExchange, verdict: Verdict): Sooner<Verdict> {
  if (typeof verdict !== 'object') return verdict;
  const reason = verdict.kind === 'refusal' ? verdict.reason : reasonOf(verdict.status);
  if (reason === 'internal' || isEnforced(percent, exchange)) return verdict;
  exchange.noteShadowRefusal(filter, reason);
  return undefined;
}

function reasonOf(status: number): RefusalReason {
  return status === 403 ? 'forbidden' : 'unauthenticated';
}

/** Whether the refusals of a filter that is enforced for so many hold for this client. */
export function isEnforced(percent: number, { identity, clientAddress }: FilterExchange): boolean {
  if (percent === 0) return false;
  const client = identity?.consumer ?? clientAddress;
  return ((textHash(client, seed) >>> 0) / 2 ** 32) * 100 < percent;
}
