// A gateway of one node whose Routes lead to upstreams by the first segment of the path.

import type { Owner } from '../kit/owner.ts';
import { type DataPlaneNode, startSystem, type System } from '../kit/processes.ts';
import { gateway, type Resource, route, service } from '../kit/resources.ts';

export interface Served {
  readonly system: System;
  readonly node: DataPlaneNode;
  /** Of the node's listener. */
  readonly port: number;
}

export interface RouteSpecs {
  /** Of the upstream, on loopback. */
  readonly port: number;
  /** Merged into the Service. */
  readonly service?: object;
  /** Merged into the Route. */
  readonly route?: object;
}

/** Serves `/NAME` from `routes[NAME]`; `''` is the root. `gatewaySpec` is merged into the Gateway. */
export async function startRoutes(
  owner: Owner,
  routes: Readonly<Record<string, RouteSpecs>>,
  gatewaySpec: object = {},
): Promise<Served> {
  const pairs = Object.entries(routes).flatMap(([path, specs]) => resourcesOf(path, specs));
  const system = await startSystem(owner, { resources: [gateway(gatewaySpec), ...pairs] });
  const node = system.nodes[0]!;
  return { system, node, port: await node.trafficPort() };
}

function resourcesOf(path: string, specs: RouteSpecs): Resource[] {
  const name = path === '' ? 'root' : path;
  return [service(name, [specs.port], specs.service), route(name, `/${path}`, name, specs.route)];
}
