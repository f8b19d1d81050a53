/** From snapshot to table: aside, without side effects, at the cost of what changed. */

import { create } from '@bufbuild/protobuf';
import type { Compiled } from '@causeway/proto/compiled';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import {
  BalancingPolicy,
  type CompiledService,
  Protocol,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { RuleError } from '@causeway/router/compiled-rule';
import { emptyRouter, type Router, updateRouter } from '@causeway/router/router';
import {
  type EditToken,
  sharedDelete,
  sharedGet,
  type SharedMap,
  sharedSet,
  sharedValues,
} from '@causeway/router/shared-map';
import { messageOf } from '@causeway/runtime/errors';

import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import type { OwnPorts } from '../upstream/address-guard.ts';
import { ServiceHandle } from '../upstream/service-handle.ts';
import { buildSockets } from './build-sockets.ts';
import { type GatewaySettings, readGatewaySettings } from './gateway-settings.ts';
import { type MatchedRoute, RouteEntry } from './route-entry.ts';
import type { Table, TableListener } from './table.ts';

/** A table, or every resource that keeps this node from having it. */
export type BuiltTable =
  | {
      readonly ok: true;
      readonly table: Table;
      /** Handles that `previous` holds and `table` does not. */
      readonly leaving: readonly ServiceHandle[];
    }
  | { readonly ok: false; readonly problems: NodeProblem[] };

/**
 * The table of `update`. Shares with `previous` all that did not change: a changed Route costs its own rules and a few nodes of
 * each router, whatever the number of Routes. A changed Service gets a new handle, and with it new connections. Endpoint sets are
 * not set here, since handles are shared with the live table (`setEndpoints`).
 */
export function buildTable(
  previous: Table | undefined,
  update: SnapshotUpdate,
  ownPorts: OwnPorts,
): BuiltTable {
  const problems: NodeProblem[] = [];
  const changes = sortChanges(update, ownPorts, problems);
  const gateway = changes.gateway ?? previous?.gateway;
  if (gateway === undefined && problems.length === 0)
    problems.push(problem('internal', 'gateway', '', 'the snapshot has no Gateway'));
  if (gateway === undefined || problems.length > 0) return { ok: false, problems };
  const routes = applyToMap(previous?.routes, changes.routes);
  const services = applyToMap(previous?.services, changes.services);
  const listeners = buildListeners(previous, gateway, routes, changes.routes, problems);
  if (problems.length > 0) return { ok: false, problems };
  const { revision, items } = update;
  const sockets = buildSockets(listeners);
  const table = { revision, digest: items.rootDigest, gateway, sockets, routes, services };
  const leaving = Array.from(changes.services.keys(), (name) => sharedGet(previous?.services, name));
  return { ok: true, table, leaving: leaving.filter((service) => service !== undefined) };
}

/** By name; undefined = gone. */
type Changes<V> = ReadonlyMap<string, V | undefined>;

interface SortedChanges {
  gateway: GatewaySettings | undefined;
  routes: Map<string, RouteEntry | undefined>;
  services: Map<string, ServiceHandle | undefined>;
}

function sortChanges(update: SnapshotUpdate, ownPorts: OwnPorts, problems: NodeProblem[]): SortedChanges {
  const sorted: SortedChanges = { gateway: undefined, routes: new Map(), services: new Map() };
  for (const key of update.removedKeys) {
    const name = key.slice(key.indexOf('/') + 1);
    if (key.startsWith('route/')) sorted.routes.set(name, undefined);
    else if (key.startsWith('service/')) sorted.services.set(name, undefined);
  }
  for (const compiled of update.changed) {
    try {
      sortChange(sorted, compiled, ownPorts);
    } catch (error) {
      const reason = error instanceof UnknownChoice ? 'too_old' : 'invalid_resource';
      problems.push(problem(reason, compiled.key, '', messageOf(error)));
    }
  }
  return sorted;
}

function sortChange(sorted: SortedChanges, compiled: Compiled, ownPorts: OwnPorts): void {
  const { kind, value } = compiled;
  // A Route must not run without what protects it.
  if (kind !== 'service' && value.filters.length > 0) throw new UnknownChoice('filters');
  switch (kind) {
    case 'gateway':
      sorted.gateway = readGatewaySettings(value);
      return;
    case 'route':
      sorted.routes.set(value.name, new RouteEntry(value));
      return;
    case 'service':
      sorted.services.set(value.name, readService(value, ownPorts));
      return;
    case 'middleware':
      throw new UnknownChoice('a Middleware');
  }
}

function readService(service: CompiledService, ownPorts: OwnPorts): ServiceHandle {
  const { name, protocol, policy, pool, connectTimeoutMs } = service;
  if (protocol !== Protocol.HTTP) throw new UnknownChoice(`protocol ${protocol}`);
  if (policy !== BalancingPolicy.ROUND_ROBIN) throw new UnknownChoice(`balancing policy ${policy}`);
  if (pool === undefined) throw new Error('pool is missing');
  const { connectionsMax, waitingMax, idleTimeoutMs } = pool;
  return new ServiceHandle(name, { connectTimeoutMs, connectionsMax, waitingMax, idleTimeoutMs }, ownPorts);
}

function applyToMap<V extends object>(
  before: SharedMap<V> | undefined,
  changes: Changes<V>,
): SharedMap<V> | undefined {
  const token: EditToken = { edit: true };
  let after = before;
  for (const [name, value] of changes) {
    after = value === undefined ? sharedDelete(after, name, token) : sharedSet(after, name, value, token);
  }
  return after;
}

/** A listener that was there keeps its router and takes the changes; a new one is filled with every Route. */
function buildListeners(
  previous: Table | undefined,
  gateway: GatewaySettings,
  routes: SharedMap<RouteEntry> | undefined,
  changes: Changes<RouteEntry>,
  problems: NodeProblem[],
): TableListener[] {
  const before = new Map<string, Router<MatchedRoute>>();
  for (const socket of previous?.sockets.values() ?? [])
    for (const { spec, router } of socket.listeners) before.set(spec.name, router);
  return gateway.listeners.map((spec) => {
    const router = before.get(spec.name);
    const changed = router === undefined ? sharedValues(routes) : presentValues(changes);
    const removed = router === undefined ? [] : changes.keys();
    try {
      const update = { remove: removed, add: rulesOn(spec.name, changed) };
      return { spec, router: updateRouter(router ?? emptyRouter<MatchedRoute>(), update) };
    } catch (error) {
      const found = routeProblem(error);
      // Every listener that carries the Route stumbles over it.
      if (!problems.some(({ resource }) => resource === found.resource)) problems.push(found);
      return { spec, router: emptyRouter<MatchedRoute>() };
    }
  });
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

function problem(reason: string, resource: string, pointer: string, detail: string): NodeProblem {
  return create(NodeProblemSchema, { reason, resource, pointer, detail });
}
