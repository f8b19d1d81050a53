/** From snapshot to table: aside, without side effects, at the cost of what changed. */

import { create } from '@bufbuild/protobuf';
import type { Filter } from '@causeway/filters/filter';
import type { TokenVerifier } from '@causeway/filters/jwt/token-verifier';
import type { Compiled } from '@causeway/proto/compiled';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type {
  CompiledAuthProvider,
  CompiledGateway,
  CompiledService,
  Redis,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { RuleError } from '@causeway/router/compiled-rule';
import { emptyRouter, type Router, updateRouterInSteps } from '@causeway/router/router';
import { type SharedMap, sharedValues } from '@causeway/router/shared-map';
import { messageOf } from '@causeway/runtime/errors';
import type { RequestRules } from '@causeway/schema/request-rules';
import { Types } from '@causeway/transcoding/types';
import type { Steps } from '@causeway/runtime/work-slices';

import { PluginFault } from '../plugins/plugin-modules.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import type { PoolContext } from '../upstream/endpoint-pool.ts';
import { RedisSettings } from '../redis/redis-settings.ts';
import type { ServiceHandle } from '../upstream/service-handle.ts';
import { applyChanges, type Changes } from './apply-changes.ts';
import { type BuildFilter, type BuiltItem, buildFilters } from './build-filters.ts';
import { buildFronts, type SharedTls } from './build-fronts.ts';
import { buildServices } from './build-services.ts';
import { buildSockets } from './build-sockets.ts';
import { CertificateEntry } from './certificate-entry.ts';
import { ConsumerEntry, ConsumerTable } from './consumer-table.ts';
import { type GatewaySettings, readGatewaySettings } from './gateway-settings.ts';
import { type MatchedRoute, RouteEntry } from './route-entry.ts';
import { changeFilters, type GatewayFilters, missingOfGateway, type SharedFilters } from './route-filters.ts';
import { readApiSpec } from './read-api-spec.ts';
import type { Table, TableListener } from './table.ts';

/** A table, or every resource that keeps this node from having it. */
export type BuiltTable =
  | {
      readonly ok: true;
      readonly table: Table;
      /** Handles that `previous` holds and `table` does not. */
      readonly leaving: readonly ServiceHandle[];
      /** The other way round. */
      readonly arriving: readonly ServiceHandle[];
    }
  | { readonly ok: false; readonly problems: NodeProblem[] };

/** What a node builds all its tables with. */
export interface SharedBuild extends SharedTls {
  readonly buildFilter: BuildFilter;
  /** Holds Consumers to their limits, on all Routes. */
  readonly consumerLimits: Filter;
  readonly buildVerifier: (provider: CompiledAuthProvider) => TokenVerifier;
}

/**
 * The table of `update`. Shares with `previous` all that did not change: a changed Route costs its own rules and a few nodes of
 * each router, whatever the number of Routes. A Service that has changed, or whose Certificates have, gets a new handle, and with it
 * new connections. Endpoint sets are not set here, since handles are shared with the live table (`setEndpoints`). May pause after each
 * resource: the first table of a large fleet takes longer than traffic may wait.
 */
export function* buildTable(
  previous: Table | undefined,
  update: SnapshotUpdate,
  pools: PoolContext,
  shared: SharedBuild,
): Steps<BuiltTable> {
  const problems: NodeProblem[] = [];
  const changes = yield* sortChanges(update, problems, shared);
  const services = yield* buildServices(previous, update.items, changes, pools, (key, error) =>
    problems.push(unusable(key, error)),
  );
  const gateway = changes.gateway ?? previous?.gateway;
  if (gateway === undefined && problems.length === 0)
    problems.push(problem('internal', 'gateway', '', 'the snapshot has no Gateway'));
  if (gateway === undefined || problems.length > 0) return { ok: false, problems };
  const filters = changeFilters(previous?.filters, changes.gatewayFilters, changes.middlewares);
  checkMiddlewares(gateway.name, filters, changes.routes, problems);
  const routes = yield* applyChanges(previous?.routes, changes.routes);
  const fronts = buildFronts(
    previous,
    {
      gateway,
      certificates: services.certificates,
      changedCertificates: new Set(changes.certificates.keys()),
      shared,
    },
    ({ index }, error) =>
      problems.push(
        problem('invalid_resource', `gateway/${gateway.name}`, `/spec/listeners/${index}`, messageOf(error)),
      ),
  );
  const redis = changeRedis(previous?.redis, changes, services.certificates, (error) =>
    problems.push(problem('invalid_resource', `gateway/${gateway.name}`, '/spec/redis', messageOf(error))),
  );
  const consumers = yield* (previous?.consumers ?? ConsumerTable.empty).with(
    changes.consumers,
    changes.keySecret,
  );
  const listeners = yield* buildListeners(previous, gateway, routes, changes.routes, problems);
  if (problems.length > 0) return { ok: false, problems };
  const { revision, items } = update;
  const { leaving, arriving, ...held } = services;
  const table = {
    revision,
    digest: items.rootDigest,
    gateway,
    filters,
    consumers,
    tokenVerifiers: changeMap(previous?.tokenVerifiers, changes.tokenVerifiers),
    requestRules: changeMap(previous?.requestRules, changes.requestRules),
    descriptors: changeMap(previous?.descriptors, changes.descriptors),
    redis,
    sockets: buildSockets(listeners, fronts),
    routes,
    ...held,
  };
  return { ok: true, table, leaving, arriving };
}

function changeMap<V>(
  before: ReadonlyMap<string, V> | undefined,
  changes: Changes<V>,
): ReadonlyMap<string, V> {
  if (before !== undefined && changes.size === 0) return before;
  const all = new Map(before);
  for (const [name, value] of changes) {
    if (value === undefined) all.delete(name);
    else all.set(name, value);
  }
  return all;
}

function changeRedis(
  before: RedisSettings | undefined,
  { gateway, redis }: SortedChanges,
  certificates: SharedMap<CertificateEntry> | undefined,
  onProblem: (error: unknown) => void,
): RedisSettings | undefined {
  try {
    if (gateway !== undefined && redis === undefined) return undefined;
    if (before !== undefined) return before.changed(redis, certificates);
    return redis && new RedisSettings(redis, certificates);
  } catch (error) {
    onProblem(error);
    return undefined;
  }
}

/** A Route without a Middleware of its own must not run: it may be what protects it. */
function checkMiddlewares(
  gateway: string,
  filters: SharedFilters,
  routes: Changes<RouteEntry>,
  problems: NodeProblem[],
): void {
  const missing = (resource: string, name: string | undefined): void => {
    if (name === undefined) return;
    problems.push(problem('invalid_resource', resource, '', `middleware/${name} is not in the snapshot`));
  };
  missing(`gateway/${gateway}`, missingOfGateway(filters));
  for (const [name, route] of routes) missing(`route/${name}`, route?.filters.missingIn(filters));
}

interface SortedChanges {
  gateway: GatewaySettings | undefined;
  /** Of the Gateway, when that has changed. */
  redis: Redis | undefined;
  routes: Map<string, RouteEntry | undefined>;
  services: Map<string, CompiledService | undefined>;
  certificates: Map<string, CertificateEntry | undefined>;
  gatewayFilters: GatewayFilters | undefined;
  middlewares: Map<string, readonly BuiltItem[] | undefined>;
  consumers: Map<string, ConsumerEntry | undefined>;
  /** Null: it is gone. */
  keySecret: Uint8Array | null | undefined;
  tokenVerifiers: Map<string, TokenVerifier | undefined>;
  requestRules: Map<string, RequestRules | undefined>;
  descriptors: Map<string, Types | undefined>;
}

function* sortChanges(
  update: SnapshotUpdate,
  problems: NodeProblem[],
  shared: SharedBuild,
): Steps<SortedChanges> {
  const sorted: SortedChanges = {
    gateway: undefined,
    redis: undefined,
    routes: new Map(),
    services: new Map(),
    certificates: new Map(),
    gatewayFilters: undefined,
    middlewares: new Map(),
    consumers: new Map(),
    keySecret: undefined,
    tokenVerifiers: new Map(),
    requestRules: new Map(),
    descriptors: new Map(),
  };
  for (const key of update.removedKeys) {
    const name = key.slice(key.indexOf('/') + 1);
    if (key.startsWith('route/')) sorted.routes.set(name, undefined);
    else if (key.startsWith('service/')) sorted.services.set(name, undefined);
    else if (key.startsWith('certificate/')) sorted.certificates.set(name, undefined);
    else if (key.startsWith('middleware/')) sorted.middlewares.set(name, undefined);
    else if (key.startsWith('consumer/')) sorted.consumers.set(name, undefined);
    else if (key.startsWith('keysecret/')) sorted.keySecret = null;
    else if (key.startsWith('authprovider/')) sorted.tokenVerifiers.set(name, undefined);
    else if (key.startsWith('apispec/')) sorted.requestRules.set(name, undefined);
    else if (key.startsWith('descriptors/')) sorted.descriptors.set(name, undefined);
  }
  for (const compiled of update.changed) {
    try {
      yield* sortChange(sorted, compiled, shared);
    } catch (error) {
      problems.push(unusable(compiled.key, error));
    }
    yield;
  }
  return sorted;
}

function* sortChange(sorted: SortedChanges, compiled: Compiled, shared: SharedBuild): Steps<void> {
  const { buildFilter: build } = shared;
  const { kind, value } = compiled;
  switch (kind) {
    case 'gateway':
      sorted.gateway = readGatewaySettings(value);
      sorted.redis = value.redis;
      sorted.gatewayFilters = readGatewayFilters(value, shared);
      return;
    case 'route':
      sorted.routes.set(value.name, new RouteEntry(value, build));
      return;
    case 'service':
      sorted.services.set(value.name, value);
      return;
    case 'certificate':
      sorted.certificates.set(value.name, new CertificateEntry(value));
      return;
    case 'middleware':
      sorted.middlewares.set(value.name, buildFilters(value.filters, build));
      return;
    case 'consumer':
      sorted.consumers.set(value.name, new ConsumerEntry(value));
      return;
    case 'keysecret':
      sorted.keySecret = value.secret;
      return;
    case 'authprovider':
      sorted.tokenVerifiers.set(value.name, shared.buildVerifier(value));
      return;
    case 'apispec':
      sorted.requestRules.set(value.name, yield* readApiSpec(value.document));
      return;
    case 'descriptors':
      sorted.descriptors.set(value.name, new Types(value));
  }
}

function readGatewayFilters(
  { filters, consumerPhases: phases }: CompiledGateway,
  { buildFilter, consumerLimits: filter }: SharedBuild,
): GatewayFilters {
  return {
    items: buildFilters(filters, buildFilter),
    consumerLimits: phases && {
      authenticationPhase: phases.authentication,
      phase: phases.limits,
      filter,
    },
  };
}

/** A listener that was there keeps its router and takes the changes; a new one is filled with every Route. */
function* buildListeners(
  previous: Table | undefined,
  gateway: GatewaySettings,
  routes: SharedMap<RouteEntry> | undefined,
  changes: Changes<RouteEntry>,
  problems: NodeProblem[],
): Steps<TableListener[]> {
  const before = new Map<string, Router<MatchedRoute>>();
  for (const socket of previous?.sockets.values() ?? [])
    for (const { spec, router } of socket.listeners) before.set(spec.name, router);
  const listeners: TableListener[] = [];
  for (const spec of gateway.listeners) {
    const known = before.get(spec.name);
    const changed = known === undefined ? sharedValues(routes) : presentValues(changes);
    const remove = known === undefined ? [] : changes.keys();
    try {
      const change = { remove, add: rulesOn(spec.name, changed) };
      const router = yield* updateRouterInSteps(known ?? emptyRouter<MatchedRoute>(), change);
      listeners.push({ spec, router });
    } catch (error) {
      const found = routeProblem(error);
      // Every listener that carries the Route stumbles over it.
      if (!problems.some(({ resource }) => resource === found.resource)) problems.push(found);
    }
  }
  return listeners;
}

function* presentValues<V>(changes: Changes<V>): Generator<V, void> {
  for (const value of changes.values()) if (value !== undefined) yield value;
}

function* rulesOn(
  listenerName: string,
  routes: Iterable<RouteEntry>,
): Generator<RouteEntry['rules'][number], void> {
  for (const route of routes) if (route.isOn(listenerName)) yield* route.rules;
}

function routeProblem(error: unknown): NodeProblem {
  if (!(error instanceof RuleError)) return problem('internal', 'gateway', '', messageOf(error));
  return problem('invalid_resource', `route/${error.key}`, `/spec/matches/${error.index}`, error.detail);
}

function unusable(resource: string, error: unknown): NodeProblem {
  return problem(reasonOf(error), resource, '', messageOf(error));
}

function reasonOf(error: unknown): string {
  if (error instanceof PluginFault) return error.reason;
  return error instanceof UnknownChoice ? 'too_old' : 'invalid_resource';
}

function problem(reason: string, resource: string, pointer: string, detail: string): NodeProblem {
  return create(NodeProblemSchema, { reason, resource, pointer, detail });
}
