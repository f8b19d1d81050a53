/** From the lists of Gateway, Route and Middlewares to the chain that a request of the Route runs through. */

import { FilterChain } from '@causeway/filters/filter-chain';
import type { Filter } from '@causeway/filters/filter';
import { joinLimits } from '@causeway/filters/rate-limit/joint-limits';
import type { FilterItem } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { overlay } from '@causeway/runtime/overlay';

import type { Changes } from './apply-changes.ts';
import { type BuildFilter, type BuiltItem, buildFilters } from './build-filters.ts';

/** The filter that holds Consumers to their limits, which nobody writes: on every Route with a filter of the phase of authentication. */
export interface ConsumerLimitsPlace {
  readonly authenticationPhase: number;
  readonly phase: number;
  readonly filter: Filter;
}

/** What a Gateway brings. */
export interface GatewayFilters {
  readonly items: readonly BuiltItem[];
  readonly consumerLimits: ConsumerLimitsPlace | undefined;
}

/**
 * What Routes share of filters. A table has one; a table in which neither the Gateway's filters nor a Middleware differ from the
 * table before has the same one, and with it every chain that is assembled already.
 */
export class SharedFilters {
  readonly gateway: readonly BuiltItem[];
  /** By "namespace/name". */
  readonly middlewares: ReadonlyMap<string, readonly BuiltItem[]>;
  readonly consumerLimits: ConsumerLimitsPlace | undefined;

  constructor(
    gateway: readonly BuiltItem[],
    middlewares: ReadonlyMap<string, readonly BuiltItem[]>,
    consumerLimits?: ConsumerLimitsPlace,
  ) {
    this.gateway = gateway;
    this.middlewares = middlewares;
    this.consumerLimits = consumerLimits;
  }
}

/** What a table shares after a change; what the table before shared, when nothing of it changes. */
export function changeFilters(
  before: SharedFilters | undefined,
  gateway: GatewayFilters | undefined,
  middlewares: Changes<readonly BuiltItem[]>,
): SharedFilters {
  if (before !== undefined && gateway === undefined && middlewares.size === 0) return before;
  const all = new Map(before?.middlewares);
  for (const [name, items] of middlewares) {
    if (items === undefined) all.delete(name);
    else all.set(name, items);
  }
  return new SharedFilters(
    gateway?.items ?? before?.gateway ?? [],
    all,
    gateway === undefined ? before?.consumerLimits : gateway.consumerLimits,
  );
}

/** The filters of a Route. Lives as long as the Route does not change, over any number of tables. */
export class RouteFilters {
  readonly #items: readonly BuiltItem[];
  #assembledFrom: SharedFilters | undefined;
  #chain: FilterChain | undefined;

  /** Throws UnknownChoice for a filter that this version does not have. */
  constructor(items: readonly FilterItem[], build: BuildFilter) {
    this.#items = buildFilters(items, build);
  }

  /** A Middleware that the Route refers to and that is not there. */
  missingIn({ middlewares }: SharedFilters): string | undefined {
    return missingMiddleware(this.#items, middlewares);
  }

  /**
   * The chain of the Route; undefined when it has no filters. Assembled by the first request after a change, so that a change of the
   * Gateway's filters costs a swap nothing, however many Routes there are.
   *
   * Hot path: one comparison for every other request. Throws when a Middleware is not there, which no snapshot may bring about.
   */
  chainIn(shared: SharedFilters): FilterChain | undefined {
    if (this.#assembledFrom !== shared) {
      this.#chain = assembleChain(this.#items, shared, this);
      this.#assembledFrom = shared;
    }
    return this.#chain;
  }
}

/** A Middleware that the Gateway refers to and that is not there. */
export function missingOfGateway({ gateway, middlewares }: SharedFilters): string | undefined {
  return missingMiddleware(gateway, middlewares);
}

function missingMiddleware(
  items: readonly BuiltItem[],
  middlewares: SharedFilters['middlewares'],
): string | undefined {
  for (const item of items)
    if (item.kind === 'middleware' && !middlewares.has(item.middleware)) return item.middleware;
  return undefined;
}

function assembleChain(
  items: readonly BuiltItem[],
  shared: SharedFilters,
  route: object,
): FilterChain | undefined {
  if (items.length === 0 && shared.gateway.length === 0) return undefined;
  const placed: { readonly phase: number; readonly filter: Filter }[] = overlay(
    expanded(shared.gateway, shared),
    expanded(items, shared),
  ).flatMap(({ item }) => (item.kind === 'filter' ? [item] : []));
  const { consumerLimits } = shared;
  if (placed.some(({ phase }) => phase === consumerLimits?.authenticationPhase)) placed.push(consumerLimits!);
  const filters = placed.toSorted((a, b) => a.phase - b.phase).map(({ filter }) => filter);
  return filters.length === 0 ? undefined : new FilterChain(joinLimits(filters), route);
}

type Entry = Exclude<BuiltItem, { kind: 'middleware' }>;

function expanded(items: readonly BuiltItem[], { middlewares }: SharedFilters) {
  const entries = items.flatMap((item): readonly BuiltItem[] => {
    if (item.kind !== 'middleware') return [item];
    const brought = middlewares.get(item.middleware);
    if (brought === undefined) throw new Error(`middleware ${item.middleware} is not in the snapshot`);
    return brought;
  });
  return entries
    .filter((item): item is Entry => item.kind !== 'middleware')
    .map((item) => ({ name: item.name, isRemoval: item.kind === 'removal', item }));
}
